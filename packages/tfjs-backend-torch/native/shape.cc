// Views where strides can say it, one copy where they cannot.
#include "call.h"

namespace thinkrl {
namespace {

void reshape(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(x.reshape(call.integers()));
}

void permute(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(x.permute(call.integers()));
}

void slice(Call& call) {
  at::Tensor x = call.tensor();
  const Integers begin = call.integers();
  const Integers size = call.integers();
  TORCH_CHECK(begin.size() == size.size(), "begin and size differ in length");
  for (size_t axis = 0; axis < begin.size(); ++axis) {
    if (begin[axis] != 0 || size[axis] != x.size(axis)) x = x.narrow(axis, begin[axis], size[axis]);
  }
  call.give(x.alias());
}

/** begin, stride and number of elements per axis; a negative stride walks backwards from begin. */
void strided_slice(Call& call) {
  at::Tensor x = call.tensor();
  const Integers begin = call.integers();
  const Integers strides = call.integers();
  const Integers size = call.integers();
  TORCH_CHECK(begin.size() == strides.size() && begin.size() == size.size(), "begin, strides and size differ in length");
  for (size_t axis = 0; axis < begin.size(); ++axis) {
    const int64_t step = std::abs(strides[axis]);
    const int64_t span = size[axis] == 0 ? 0 : (size[axis] - 1) * step + 1;
    const int64_t first = span == 0 ? 0 : strides[axis] > 0 ? begin[axis] : begin[axis] - span + 1;
    x = x.slice(axis, first, first + span, step);
    if (strides[axis] < 0) x = at::flip(x, {static_cast<int64_t>(axis)});
  }
  call.give(x.alias());
}

void concat(Call& call) {
  const auto list = call.tensors();
  call.give(at::cat(list, call.integer()));
}

void stack(Call& call) {
  const auto list = call.tensors();
  call.give(at::stack(list, call.integer()));
}

void unstack(Call& call) {
  const at::Tensor& x = call.tensor();
  for (auto& part : at::unbind(x, call.integer())) call.give(part);
}

void split(Call& call) {
  const at::Tensor& x = call.tensor();
  const Integers sizes = call.integers();
  for (auto& part : at::split_with_sizes(x, sizes, call.integer())) call.give(part);
}

void tile(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(x.repeat(call.integers()));
}

void expand(Call& call) {
  const at::Tensor& x = call.tensor();
  const Integers shape = call.integers();
  for (const int64_t size : shape) TORCH_CHECK(size >= 0, "a size is ", size);
  call.give(x.expand(shape));
}

void flip(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(at::flip(x, call.integers()));
}

/** Padding per axis, first axis first: before and after in turn. */
void pad(Call& call) {
  const at::Tensor& x = call.tensor();
  const Integers before = call.integers();
  const Integers after = call.integers();
  Integers shape(x.sizes().begin(), x.sizes().end());
  TORCH_CHECK(before.size() == shape.size() && after.size() == shape.size(), "padding for another rank");
  for (size_t axis = 0; axis < shape.size(); ++axis) shape[axis] += before[axis] + after[axis];
  const double value = call.number();
  at::Tensor y = value == 0 ? at::zeros(shape, x.options()) : at::full(shape, value, x.options());
  at::Tensor middle = y;
  for (size_t axis = 0; axis < shape.size(); ++axis) middle = middle.narrow(axis, before[axis], x.size(axis));
  middle.copy_(x);
  call.give(y);
}

/** Reflected padding; `offset` 1 repeats the border itself (symmetric), 0 does not. */
void mirror_pad(Call& call) {
  at::Tensor x = call.tensor();
  const Integers before = call.integers();
  const Integers after = call.integers();
  const int64_t offset = call.integer();
  TORCH_CHECK(static_cast<int64_t>(before.size()) == x.dim() && after.size() == before.size(), "padding for another rank");
  for (size_t axis = 0; axis < before.size(); ++axis) {
    if (before[axis] == 0 && after[axis] == 0) continue;
    const int64_t size = x.size(axis);
    std::vector<int64_t> source;
    for (int64_t i = -before[axis]; i < size + after[axis]; ++i) {
      const int64_t low = i < 0 ? -i - offset : i;
      source.push_back(low < size ? low : 2 * size - 2 - low + offset);
    }
    const at::Tensor index = at::tensor(source, at::kLong).to(x.device());
    x = at::index_select(x, axis, index);
  }
  call.give(x);
}

void band_part(Call& call) {
  const at::Tensor& x = call.tensor();
  const int64_t lower = call.integer();
  const int64_t upper = call.integer();
  at::Tensor y = x;
  if (upper >= 0) y = at::tril(y, upper);
  if (lower >= 0) y = at::triu(y, -lower);
  call.give(y.is_same(x) ? x.alias() : y);
}

void diag(Call& call) {
  const at::Tensor& x = call.tensor();
  Integers shape(x.sizes().begin(), x.sizes().end());
  shape.append(x.sizes().begin(), x.sizes().end());
  call.give(at::diag(x.reshape({-1})).reshape(shape));
}

/** [batch, y, x, block*block*depth] to [batch, y*block, x*block, depth], or the same with channels first. */
void depth_to_space(Call& call) {
  at::Tensor x = call.tensor();
  const int64_t block = call.integer();
  const bool channels_last = call.flag();
  TORCH_CHECK(x.dim() == 4 && block > 0, "x is not of rank 4 or the block not positive");
  if (!channels_last) x = x.permute({0, 2, 3, 1});
  const int64_t n = x.size(0), height = x.size(1), width = x.size(2), depth = x.size(3) / (block * block);
  at::Tensor y = x.reshape({n, height, width, block, block, depth}).permute({0, 1, 3, 2, 4, 5});
  y = y.reshape({n, height * block, width * block, depth});
  call.give(channels_last ? y : y.permute({0, 3, 1, 2}));
}

void fill(Call& call) {
  const Integers shape = call.integers();
  const double value = call.number();
  const auto options = call.options(call.dtype());
  call.give(at::full(shape, value, options));
}

void range(Call& call) {
  const double start = call.number();
  const double step = call.number();
  const int64_t count = call.integer();
  const auto options = call.options(call.dtype());
  const at::Tensor index = at::arange(count, at::device(options.device()).dtype(at::kDouble));
  call.give(index.mul_(step).add_(start).to(options.dtype().toScalarType()));
}

}  // namespace

void add_shapes(Operations& operations) {
  const Operation table[] = {
      {"reshape", reshape}, {"permute", permute}, {"slice", slice}, {"strided_slice", strided_slice},
      {"concat", concat}, {"stack", stack}, {"unstack", unstack}, {"split", split},
      {"tile", tile}, {"expand", expand}, {"flip", flip}, {"pad", pad},
      {"mirror_pad", mirror_pad}, {"band_part", band_part}, {"diag", diag},
      {"depth_to_space", depth_to_space}, {"fill", fill}, {"range", range},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
