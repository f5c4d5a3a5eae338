// Scaled dot-product attention over [batch, token, head, width], forward and backward.
#include "attention.h"

#include <ATen/ExpandUtils.h>

#include <tuple>

#include "call.h"
#include "flash.h"
#include "gemm.h"
#include "product.h"
#include "vector.h"

namespace thinkrl {
namespace {

constexpr int64_t kQueryBlock = 48;
constexpr int64_t kStretch = 384;

bool runs_here(const Attention& p) {
  return p.query.is_cpu() && p.query.scalar_type() == at::kFloat && p.key.scalar_type() == at::kFloat &&
      p.value.scalar_type() == at::kFloat;
}

/** The [token, width] matrix of one batch entry and head, from token `first` on. */
Matrix head_of(const at::Tensor& x, int64_t b, int64_t head, int64_t first = 0) {
  return {x.data_ptr<float>() + b * x.stride(0) + first * x.stride(1) + head * x.stride(2), x.stride(1), x.stride(3)};
}

struct Block {
  int64_t b, head, first, rows, sources;
};

void apply_mask(const Attention& p, const Block& block, float* scores) {
  const float never = -std::numeric_limits<float>::infinity();
  if (p.causal) {
    for (int64_t i = 0; i < block.rows; ++i) {
      const int64_t seen = p.visible(block.first + i + 1);
      float* row = scores + i * block.sources;
      std::fill(row + std::min(seen, block.sources), row + block.sources, never);
    }
  }
  if (!p.mask.defined()) return;
  const at::Tensor& mask = p.mask;
  const int64_t start = block.b * mask.stride(0) + block.head * mask.stride(1), step = mask.stride(3);
  for (int64_t i = 0; i < block.rows; ++i) {
    const int64_t at_row = start + (block.first + i) * mask.stride(2);
    float* row = scores + i * block.sources;
    if (mask.scalar_type() == at::kBool) {
      const bool* allowed = mask.data_ptr<bool>() + at_row;
      for (int64_t j = 0; j < block.sources; ++j) row[j] = allowed[j * step] ? row[j] : never;
    } else {
      const float* added = mask.data_ptr<float>() + at_row;
      for (int64_t j = 0; j < block.sources; ++j) row[j] += added[j * step];
    }
  }
}

/** What one thread needs for the head it works on: keys and values in the layouts of the products they enter. */
struct Workspace {
  Packed keys_across, values_across, keys, values, queries, slopes;
  std::vector<float> chances, spread;
};

Workspace& workspace() {
  thread_local Workspace own;
  return own;
}

float* room(std::vector<float>& buffer, int64_t length) {
  if (static_cast<int64_t>(buffer.size()) < length) buffer.resize(length);
  return buffer.data();
}

/** scores [rows, sources] = scale * query key^T, with what may not be seen at -infinity. */
void block_scores(const Attention& p, const Block& block, const Packed& keys_across, float* scores) {
  const Extent extent{block.rows, block.sources, p.width};
  const Matrix query = head_of(p.query, block.b, block.head, block.first);
  multiply(extent, static_cast<float>(p.scale), query, keys_across, {scores, block.sources, false});
  apply_mask(p, block, scores);
}

/** Turns a row of scores into weights, unnormalised; gives the log of their sum and what to multiply the output by. */
std::pair<float, float> soften(float* row, int64_t length) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float top = row_largest(row, length);
  if (top == -infinity && !std::isnan(row_dot(row, row, length))) {
    std::fill(row, row + length, 0.0f);
    return {infinity, 0.0f};
  }
  const float sum = row_exponential(row, length, top);
  return {top + std::log(sum), 1.0f / sum};
}

struct Result {
  float* out;
  float* log_sums;
};

void forward_block(const Attention& p, const Block& block, Workspace& w, const Result& result) {
  float* scores = room(w.chances, block.rows * block.sources);
  block_scores(p, block, w.keys_across, scores);
  float shares[kQueryBlock];
  for (int64_t i = 0; i < block.rows; ++i) {
    std::tie(result.log_sums[i], shares[i]) = soften(scores + i * block.sources, block.sources);
  }
  const int64_t stride = p.heads * p.value_width;
  const Extent extent{block.rows, p.value_width, block.sources};
  multiply(extent, 1, {scores, block.sources, 1}, w.values, {result.out, stride, false});
  for (int64_t i = 0; i < block.rows; ++i) {
    for (int64_t j = 0; j < p.value_width; ++j) result.out[i * stride + j] *= shares[i];
  }
}

/** One query against a long cache (decoding): no packing, rows of keys and values are read once. */
void forward_single(const Attention& p, const Block& block, Workspace& w, const Result& result) {
  float* scores = room(w.chances, block.rows * block.sources);
  const int64_t key_head = p.key_head(block.head);
  const Matrix query = head_of(p.query, block.b, block.head, block.first);
  const Matrix across = head_of(p.key, block.b, key_head).transposed();
  const Target to{scores, block.sources, false};
  gemm({block.rows, block.sources, p.width}, static_cast<float>(p.scale), query, across, to);
  apply_mask(p, block, scores);
  const int64_t stride = p.heads * p.value_width;
  for (int64_t i = 0; i < block.rows; ++i) {
    float* row = scores + i * block.sources;
    float share = 0;
    std::tie(result.log_sums[i], share) = soften(row, block.sources);
    for (int64_t j = 0; j < block.sources; ++j) row[j] *= share;
  }
  const Matrix chance{scores, block.sources, 1};
  gemm({block.rows, p.value_width, block.sources}, 1, chance, head_of(p.value, block.b, key_head),
       {result.out, stride, false});
}

/** A stretch of queries of one head, in blocks against keys and values packed once. */
void forward_stretch(const Attention& p, int64_t b, int64_t head, int64_t begin, int64_t end, const Result& all) {
  Workspace& w = workspace();
  const bool single = end - begin <= 2;
  if (!single) {
    const int64_t seen = p.visible(end);
    w.keys_across.pack(head_of(p.key, b, p.key_head(head)).transposed(), p.width, seen);
    w.values.pack(head_of(p.value, b, p.key_head(head)), seen, p.value_width);
  }
  for (int64_t first = begin; first < end; first += kQueryBlock) {
    const int64_t rows = std::min(kQueryBlock, end - first);
    const Result at{all.out + ((b * p.targets + first) * p.heads + head) * p.value_width,
                    all.log_sums + (b * p.heads + head) * p.targets + first};
    (single ? forward_single : forward_block)(p, {b, head, first, rows, p.visible(first + rows)}, w, at);
  }
}

std::pair<at::Tensor, at::Tensor> forward_here(const Attention& p) {
  at::Tensor out = at::empty({p.batch, p.targets, p.heads, p.value_width}, p.query.options());
  at::Tensor log_sums = at::empty({p.batch, p.heads, p.targets}, p.query.options());
  const Result all{out.data_ptr<float>(), log_sums.data_ptr<float>()};
  const int64_t stretches = (p.targets + kStretch - 1) / kStretch;
  const int64_t work = std::min(p.targets, kStretch) * p.sources * (p.width + p.value_width);
  at::parallel_for(0, p.batch * p.heads * stretches, grain_of(work), [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t first = unit % stretches * kStretch, head = unit / stretches % p.heads;
      forward_stretch(p, unit / stretches / p.heads, head, first, std::min(p.targets, first + kStretch), all);
    }
  });
  return {out, log_sums};
}

Target head_in(const at::Tensor& x, int64_t b, int64_t head, int64_t first, bool accumulate) {
  float* data = x.data_ptr<float>() + b * x.stride(0) + first * x.stride(1) + head * x.stride(2);
  return {data, x.stride(1), accumulate};
}

/** Turns scores into probabilities and d(out) value^T into d(scores): p * (it - grad . out) * scale. */
void backward_scores(const Attention& p, const Block& block, const AttentionSlope& saved, float* chances, float* slopes) {
  const float* sums = saved.log_sums.data_ptr<float>() + (block.b * p.heads + block.head) * p.targets + block.first;
  const Matrix grad = head_of(saved.grad, block.b, block.head, block.first);
  const Matrix out = head_of(saved.out, block.b, block.head, block.first);
  const float scale = static_cast<float>(p.scale);
  for (int64_t i = 0; i < block.rows; ++i) {
    float* __restrict chance = chances + i * block.sources;
    float* __restrict slope = slopes + i * block.sources;
    row_exponential(chance, block.sources, sums[i]);
    const float pull = row_dot(grad.data + i * grad.row, out.data + i * out.row, p.value_width);
    for (int64_t j = 0; j < block.sources; ++j) slope[j] = chance[j] * (slope[j] - pull) * scale;
  }
}

void backward_block(const Attention& p, const Block& block, const AttentionSlope& saved, const AttentionGradients& grads) {
  Workspace& w = workspace();
  const int64_t key_head = p.key_head(block.head), cells = block.rows * block.sources;
  float* chances = room(w.chances, cells);
  float* slopes = room(w.spread, cells);
  const Matrix grad = head_of(saved.grad, block.b, block.head, block.first);
  block_scores(p, block, w.keys_across, chances);
  multiply({block.rows, block.sources, p.value_width}, 1, grad, w.values_across, {slopes, block.sources, false});
  backward_scores(p, block, saved, chances, slopes);
  const Matrix chance{chances, block.sources, 1}, slope{slopes, block.sources, 1};
  w.slopes.pack(grad, block.rows, p.value_width);
  w.queries.pack(head_of(p.query, block.b, block.head, block.first), block.rows, p.width);
  const Target to_query = head_in(grads.query, block.b, block.head, block.first, false);
  const Target to_key = head_in(grads.key, block.b, key_head, 0, true);
  const Target to_value = head_in(grads.value, block.b, key_head, 0, true);
  multiply({block.sources, p.value_width, block.rows}, 1, chance.transposed(), w.slopes, to_value);
  multiply({block.rows, p.width, block.sources}, 1, slope, w.keys, to_query);
  multiply({block.sources, p.width, block.rows}, 1, slope.transposed(), w.queries, to_key);
}

/** All queries of the heads that share one key head. */
void backward_group(const Attention& p, int64_t b, int64_t group, const AttentionSlope& saved, const AttentionGradients& grads) {
  Workspace& w = workspace();
  const Matrix key = head_of(p.key, b, group), value = head_of(p.value, b, group);
  w.keys_across.pack(key.transposed(), p.width, p.sources);
  w.values_across.pack(value.transposed(), p.value_width, p.sources);
  w.keys.pack(key, p.sources, p.width);
  const int64_t shared = p.heads / p.groups;
  for (int64_t head = group * shared; head < (group + 1) * shared; ++head) {
    for (int64_t first = 0; first < p.targets; first += kQueryBlock) {
      const int64_t rows = std::min(kQueryBlock, p.targets - first);
      backward_block(p, {b, head, first, rows, p.visible(first + rows)}, saved, grads);
    }
  }
}

void backward_here(const Attention& p, const AttentionSlope& saved, const AttentionGradients& grads) {
  const int64_t work = p.heads / p.groups * p.targets * p.sources * (3 * p.width + 2 * p.value_width);
  at::parallel_for(0, p.batch * p.groups, grain_of(work), [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) backward_group(p, unit / p.groups, unit % p.groups, saved, grads);
  });
}

/** [batch, token, head, width] to [batch, head, token, width] with key heads repeated to match. */
at::Tensor heads_first(const at::Tensor& x, int64_t heads) {
  const at::Tensor y = x.transpose(1, 2);
  return y.size(1) == heads ? y : y.repeat_interleave(heads / y.size(1), 1);
}

at::Tensor composed_scores(const Attention& p) {
  at::Tensor scores = at::matmul(heads_first(p.query, p.heads), heads_first(p.key, p.heads).transpose(-1, -2));
  scores = scores.to(at::kFloat).mul_(p.scale);
  const double never = -std::numeric_limits<double>::infinity();
  if (p.causal) {
    const at::Tensor seen = at::ones({p.targets, p.sources}, scores.options().dtype(at::kBool));
    scores.masked_fill_(at::logical_not(at::tril(seen, p.sources - p.targets)), never);
  }
  if (!p.mask.defined()) return scores;
  return p.mask.scalar_type() == at::kBool ? scores.masked_fill_(at::logical_not(p.mask), never) : scores.add_(p.mask);
}

std::pair<at::Tensor, at::Tensor> forward_composed(const Attention& p) {
  const at::Tensor scores = composed_scores(p);
  const at::Tensor sums = at::logsumexp(scores, {-1});
  const at::Tensor chances = at::nan_to_num(at::exp(at::sub(scores, sums.unsqueeze(-1))), 0.0);
  const at::Tensor out = at::matmul(chances.to(p.value.scalar_type()), heads_first(p.value, p.heads));
  return {out.transpose(1, 2).contiguous(), sums};
}

at::Tensor fold_groups(const at::Tensor& x, const Attention& p) {
  const at::Tensor parts = x.reshape({p.batch, p.groups, p.heads / p.groups, x.size(2), x.size(3)});
  return at::sum(parts, {2}).transpose(1, 2);
}

void backward_composed(const Attention& p, const AttentionSlope& saved, const AttentionGradients& into) {
  const at::Tensor chances = at::nan_to_num(at::exp(at::sub(composed_scores(p), saved.log_sums.unsqueeze(-1))), 0.0);
  const at::Tensor grad = saved.grad.transpose(1, 2), type_like = p.query;
  const at::Tensor pull = at::sum(at::mul(grad, saved.out.transpose(1, 2)).to(at::kFloat), {-1}, true);
  const at::Tensor spread = at::matmul(grad, heads_first(p.value, p.heads).transpose(-1, -2));
  const at::Tensor slopes = at::mul(chances, at::sub(spread, pull)).mul_(p.scale).to(type_like.scalar_type());
  const at::Tensor query = at::matmul(slopes, heads_first(p.key, p.heads)).transpose(1, 2);
  const at::Tensor key = at::matmul(slopes.transpose(-1, -2), heads_first(p.query, p.heads));
  const at::Tensor value = at::matmul(chances.to(grad.scalar_type()).transpose(-1, -2), grad);
  into.query.copy_(query);
  into.key.add_(fold_groups(key, p));
  into.value.add_(fold_groups(value, p));
}

Attention read_attention(Call& call) {
  const at::Tensor query = call.tensor(), key = call.tensor(), value = call.tensor();
  at::Tensor mask = call.maybe_statistic();
  if (mask.defined() && is_half(mask)) mask = mask.to(at::kFloat);
  const double scale = call.number();
  return Attention(query, key, value, mask, scale, call.flag());
}

void attention(Call& call) {
  const auto [out, sums] = attend(read_attention(call));
  call.give(out);
  call.give_statistic(sums);
}

void attention_grad(Call& call) {
  const Attention p = read_attention(call);
  const at::Tensor grad = call.tensor(), out = call.tensor(), sums = call.statistic();
  const std::initializer_list<int64_t> result{p.batch, p.targets, p.heads, p.value_width};
  TORCH_CHECK(grad.sizes() == at::IntArrayRef(result), "dy has another shape than the output");
  TORCH_CHECK(out.sizes() == grad.sizes() && sums.numel() >= p.batch * p.heads * p.targets, "y is not of these inputs");
  const AttentionGradients grads{
      at::empty(p.query.sizes(), p.query.options()), at::zeros(p.key.sizes(), p.key.options()),
      at::zeros(p.value.sizes(), p.value.options())};
  attend_backward(p, {grad, out, sums}, grads);
  call.give(grads.query);
  call.give(grads.key);
  call.give(grads.value);
}

/** Writes rows [B, T, H, D] into cache [B, S, H, D] at token `position`, in place. */
void cache_write(Call& call) {
  at::Tensor cache = call.tensor();
  const at::Tensor& rows = call.tensor();
  const int64_t position = call.integer();
  TORCH_CHECK(
      cache.dim() == 4 && rows.dim() == 4 && rows.size(0) == cache.size(0) && rows.size(2) == cache.size(2) &&
          rows.size(3) == cache.size(3) &&
          at::isFloatingType(rows.scalar_type()) == at::isFloatingType(cache.scalar_type()),
      "the rows are not of the cache's kind");
  TORCH_CHECK(
      position >= 0 && position + rows.size(1) <= cache.size(1), "rows ", position, "..", position + rows.size(1),
      " do not fit a cache of ", cache.size(1));
  cache.narrow(1, position, rows.size(1)).copy_(rows);
}

}  // namespace

Attention::Attention(at::Tensor q, at::Tensor k, at::Tensor v, at::Tensor m, double factor, bool order)
    : query(std::move(q)), key(std::move(k)), value(std::move(v)), mask(std::move(m)), scale(factor) {
  TORCH_CHECK(query.dim() == 4 && key.dim() == 4 && value.dim() == 4, "query, key and value have rank 4");
  batch = query.size(0), targets = query.size(1), heads = query.size(2), width = query.size(3);
  sources = key.size(1), groups = key.size(2), value_width = value.size(3);
  causal = order && targets > 1;  // a last token alone sees every source
  TORCH_CHECK(key.size(3) == width, "query and key differ in width");
  TORCH_CHECK(key.size(0) == batch && value.size(0) == batch, "batch sizes differ");
  TORCH_CHECK(value.size(1) == sources && value.size(2) == groups, "key and value differ");
  TORCH_CHECK(groups > 0 && heads % groups == 0, heads, " heads do not divide into ", groups, " key heads");
  const bool floats = at::isFloatingType(query.scalar_type()) && at::isFloatingType(key.scalar_type());
  TORCH_CHECK(floats && at::isFloatingType(value.scalar_type()), "query, key and value are not float32");
  if (!mask.defined()) return;
  const bool bits = mask.scalar_type() == at::kBool;
  TORCH_CHECK(bits || at::isFloatingType(mask.scalar_type()), "the mask is neither bool nor float32");
  mask = mask.expand({batch, heads, targets, sources});
}

std::pair<at::Tensor, at::Tensor> attend(const Attention& p) {
  if (runs_here(p)) return forward_here(p);
  return flash_fits(p) ? flash_attend(p) : forward_composed(p);
}

void attend_backward(const Attention& p, const AttentionSlope& slope, const AttentionGradients& into) {
  if (!runs_here(p)) return (flash_fits(p) ? flash_backward : backward_composed)(p, slope, into);
  const at::Tensor grad = slope.grad.stride(3) == 1 ? slope.grad : slope.grad.contiguous();
  backward_here(p, {grad, slope.out, slope.log_sums}, into);
}

void add_attention(Operations& operations) {
  const Operation table[] = {{"attention", attention}, {"attention_grad", attention_grad}, {"cache_write", cache_write}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
