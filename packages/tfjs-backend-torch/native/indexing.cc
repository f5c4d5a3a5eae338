// Gather, scatter, embedding lookup, one-hot, counting and searching.
#include "call.h"

namespace thinkrl {
namespace {

at::Tensor as_index(const at::Tensor& indices) { return indices.to(at::kLong); }

void check_range(const at::Tensor& indices, int64_t size) {
  if (indices.numel() == 0 || !indices.is_cpu()) return;
  const auto [low, high] = at::aminmax(indices);
  TORCH_CHECK(
      low.item<int64_t>() >= 0 && high.item<int64_t>() < size, "the index value ",
      low.item<int64_t>() < 0 ? low.item<int64_t>() : high.item<int64_t>(), " is not in [0, ", size - 1, "]");
}

/** Rows of `axis` picked by indices of any shape; the first `batch` axes of both run in step. */
void gather(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& picked = call.tensor();
  const int64_t axis = call.integer();
  const int64_t batch = call.integer();
  TORCH_CHECK(
      batch >= 0 && batch <= picked.dim() && batch <= axis && axis < x.dim(), batch, " batch axes do not fit axis ", axis,
      " and indices of rank ", picked.dim());
  for (int64_t i = 0; i < batch; ++i) TORCH_CHECK(x.size(i) == picked.size(i), "batch axis ", i, " differs in length");
  check_range(picked, x.size(axis));
  Integers shape(x.sizes().begin(), x.sizes().begin() + axis);
  shape.append(picked.sizes().begin() + batch, picked.sizes().end());
  shape.append(x.sizes().begin() + axis + 1, x.sizes().end());
  if (batch == 0) {
    const at::Tensor flat = picked.reshape({-1});
    return call.give(at::index_select(x, axis, flat).reshape(shape));
  }
  int64_t groups = 1, outer = 1, inner = 1;
  for (int64_t i = 0; i < batch; ++i) groups *= x.size(i);
  for (int64_t i = batch; i < axis; ++i) outer *= x.size(i);
  for (int64_t i = axis + 1; i < x.dim(); ++i) inner *= x.size(i);
  const at::Tensor index = as_index(picked).reshape({groups, 1, -1, 1});
  const at::Tensor source = x.reshape({groups, outer, x.size(axis), inner});
  call.give(at::gather(source, 2, index.expand({groups, outer, index.size(2), inner})).reshape(shape));
}

/** Ids within the vocabulary: a CPU refuses others, an accelerator, which would have to be waited for, moves them in. */
at::Tensor checked_ids(const at::Tensor& ids, int64_t vocabulary) {
  TORCH_CHECK(at::isIntegralType(ids.scalar_type(), false), "ids are not int32");
  TORCH_CHECK(vocabulary > 0 || ids.numel() == 0, "there are no rows");
  check_range(ids, vocabulary);
  return ids.is_cpu() ? ids : at::clamp(ids, 0, std::max<int64_t>(0, vocabulary - 1));
}

/** Rows of weight [vocabulary, width] at ids of any shape; NaN for an id that an accelerator had to move in. */
void embedding(Call& call) {
  const at::Tensor& weight = call.tensor();
  const at::Tensor& ids = call.tensor();
  TORCH_CHECK(weight.dim() == 2 && at::isFloatingType(weight.scalar_type()), "the weight is not float32 [vocabulary, width]");
  const at::Tensor inside = checked_ids(ids, weight.size(0)), rows = at::embedding(weight, inside);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  call.give(ids.is_cpu() ? rows : at::masked_fill(rows, at::ne(ids, inside).unsqueeze(-1), nan));
}

/** Rows of dy added up per id, in the order of the tokens, in float. */
void embedding_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& ids = call.tensor();
  const int64_t vocabulary = call.integer();
  TORCH_CHECK(
      dy.dim() == ids.dim() + 1 && dy.sizes().slice(0, ids.dim()) == ids.sizes(), "dy has another shape than the ids");
  const at::Tensor wide = dy.to(at::kFloat);
  const at::Tensor dweight = at::embedding_dense_backward(wide, checked_ids(ids, vocabulary), vocabulary, -1, false);
  call.give(dweight.to(dy.scalar_type()));
}

/** Splits [..., depth] coordinates into one flat row number each over the first `depth` axes of `shape`. */
at::Tensor flat_rows(const at::Tensor& indices, at::IntArrayRef shape) {
  const int64_t depth = indices.size(-1);
  TORCH_CHECK(depth <= static_cast<int64_t>(shape.size()), depth, " coordinates for a tensor of rank ", shape.size());
  at::Tensor rows = at::zeros({indices.numel() / std::max<int64_t>(depth, 1)}, indices.options().dtype(at::kLong));
  const at::Tensor table = as_index(indices).reshape({-1, depth});
  for (int64_t i = 0; i < depth; ++i) {
    const at::Tensor column = table.select(1, i);
    check_range(column, shape[i]);
    rows = at::add(at::mul(rows, shape[i]), column);
  }
  return rows;
}

int64_t product(at::IntArrayRef sizes) {
  int64_t total = 1;
  for (const int64_t size : sizes) total *= size;
  return total;
}

void gather_nd(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& indices = call.tensor();
  const int64_t depth = indices.size(-1);
  const auto sizes = x.sizes();
  const at::Tensor rows = flat_rows(indices, sizes);
  Integers shape(indices.sizes().begin(), indices.sizes().end() - 1);
  shape.append(sizes.begin() + depth, sizes.end());
  const at::Tensor table = x.reshape({product(sizes.slice(0, depth)), product(sizes.slice(depth))});
  call.give(at::index_select(table, 0, rows).reshape(shape));
}

at::Tensor scatter_rows(const at::Tensor& base, const at::Tensor& indices, const at::Tensor& updates, bool add) {
  const auto sizes = base.sizes();
  const at::Tensor places = indices.dim() < 2 ? indices.reshape({-1, 1}) : indices;
  const int64_t depth = places.size(-1);
  const at::Tensor rows = flat_rows(places, sizes);
  const int64_t width = product(sizes.slice(depth));
  at::Tensor table = base.reshape({product(sizes.slice(0, depth)), width});
  const at::Tensor values = updates.to(base.scalar_type()).expand_as(updates).reshape({-1, width});
  const at::Tensor all = values.size(0) == rows.size(0) ? values : values.expand({rows.size(0), width});
  if (add) {
    table.index_add_(0, rows, all);
  } else {
    table.index_copy_(0, rows, all);
  }
  return table.reshape(sizes);
}

void scatter_nd(Call& call) {
  const at::Tensor& indices = call.tensor();
  const at::Tensor& updates = call.tensor();
  const Integers shape = call.integers();
  const bool bits = updates.scalar_type() == at::kBool;
  const at::Tensor base = at::zeros(shape, updates.options().dtype(bits ? at::kInt : updates.scalar_type()));
  const at::Tensor result = scatter_rows(base, indices, updates, true);
  call.give(bits ? at::ne(result, 0) : result);
}

void scatter_update(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& indices = call.tensor();
  const at::Tensor& updates = call.tensor();
  call.give(scatter_rows(x.clone(at::MemoryFormat::Contiguous), indices, updates, false));
}

/** [outputShape] filled with a default, then values at sparse coordinates; `indices` is [n, rank], [n] or a scalar. */
void sparse_to_dense(Call& call) {
  at::Tensor indices = call.tensor();
  const at::Tensor& values = call.tensor();
  const at::Tensor& fallback = call.tensor();
  const Integers shape = call.integers();
  if (indices.dim() < 2) indices = indices.reshape({-1, 1});
  const at::Tensor base = fallback.to(values.scalar_type()).expand(shape).clone(at::MemoryFormat::Contiguous);
  const at::Tensor list = values.dim() == 0 ? values.expand({indices.size(0)}) : values;
  call.give(scatter_rows(base, indices, list, false));
}

/** Rows with a negative segment are dropped. */
void segment_sum(Call& call) {
  at::Tensor x = call.tensor();
  at::Tensor segments = as_index(call.tensor());
  const int64_t count = call.integer();
  TORCH_CHECK(x.dim() > 0 && segments.dim() == 1, "x has no rows or the segments are not a list");
  Integers shape(x.sizes().begin(), x.sizes().end());
  shape[0] = count;
  const at::Tensor kept = at::nonzero(at::ge(segments, 0)).reshape({-1});
  if (kept.size(0) != segments.size(0)) {
    x = at::index_select(x, 0, kept);
    segments = at::index_select(segments, 0, kept);
  }
  check_range(segments, count);
  if (x.scalar_type() == at::kBool) x = x.to(at::kInt);
  call.give(at::zeros(shape, x.options()).index_add_(0, segments, x));
}

/** Indices outside [0, depth) give a row of `off`. */
void one_hot(Call& call) {
  const at::Tensor& indices = call.tensor();
  const int64_t depth = call.integer();
  const double on = call.number();
  const double off = call.number();
  const auto options = call.options(call.dtype());
  const at::Tensor hit = at::eq(indices.unsqueeze(-1), at::arange(depth, indices.options()));
  call.give(at::where(hit, at::full({}, on, options), at::full({}, off, options)));
}

/** Counts of 0..size-1 per row, weighted if weights are given; `binary` only says whether there are any. */
void bincount(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& weights = call.tensor();
  const int64_t size = call.integer();
  const bool binary = call.flag();
  const at::Tensor rows = as_index(x).reshape({x.dim() == 2 ? x.size(0) : 1, -1});
  const bool weighted = weights.numel() > 0 && !binary;
  const auto type = weights.scalar_type();
  at::Tensor amount = weighted ? weights.reshape(rows.sizes()) : at::ones(rows.sizes(), weights.options());
  TORCH_CHECK(rows.numel() == 0 || at::min(rows).item<int64_t>() >= 0, "the values must be non-negative");
  const at::Tensor inside = at::lt(rows, size);
  amount = at::mul(amount, inside);
  const at::Tensor index = at::where(inside, rows, at::zeros_like(rows));
  at::Tensor counts = at::zeros({rows.size(0), size}, amount.options()).scatter_add_(1, index, amount);
  if (binary) counts = at::gt(counts, 0);
  Integers shape;
  if (x.dim() == 2) shape.push_back(x.size(0));
  shape.push_back(size);
  call.give(counts.to(type).reshape(shape));
}

void search(Call& call) {
  const at::Tensor& sorted = call.tensor();
  const at::Tensor& values = call.tensor();
  call.give(at::searchsorted(sorted.contiguous(), values.contiguous(), /*out_int32=*/true, /*right=*/call.flag()));
}

/** Coordinates [n, rank] of what is not zero. */
void where(Call& call) { call.give(at::nonzero(call.tensor())); }

}  // namespace

void add_indexing(Operations& operations) {
  const Operation table[] = {
      {"GatherV2", gather}, {"embedding", embedding}, {"embedding_grad", embedding_grad},
      {"gather_nd", gather_nd}, {"scatter_nd", scatter_nd},
      {"scatter_update", scatter_update}, {"sparse_to_dense", sparse_to_dense},
      {"segment_sum", segment_sum}, {"one_hot", one_hot}, {"bincount", bincount},
      {"search", search}, {"where", where},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
