// Resizing of [batch, height, width, channel] images in TensorFlow's three coordinate conventions, and as PyTorch does it.
#include "call.h"

namespace thinkrl {
namespace {

struct Axis {
  std::vector<int64_t> low, high;
  std::vector<float> weight;
};

struct Convention {
  bool align_corners, half_pixel_centers;
};

double scale_of(int64_t from, int64_t to, const Convention& c) {
  return c.align_corners && to > 1 ? static_cast<double>(from - 1) / (to - 1) : static_cast<double>(from) / to;
}

Axis bilinear_axis(int64_t from, int64_t to, const Convention& c) {
  Axis axis;
  const double scale = scale_of(from, to, c);
  for (int64_t i = 0; i < to; ++i) {
    const double place = c.half_pixel_centers ? scale * (i + 0.5) - 0.5 : scale * i;
    const double base = std::floor(place);
    axis.low.push_back(std::max<int64_t>(0, static_cast<int64_t>(base)));
    axis.high.push_back(std::min<int64_t>(from - 1, static_cast<int64_t>(std::ceil(place))));
    axis.weight.push_back(static_cast<float>(place - base));
  }
  return axis;
}

std::vector<int64_t> nearest_axis(int64_t from, int64_t to, const Convention& c) {
  std::vector<int64_t> source;
  const double scale = scale_of(from, to, c);
  for (int64_t i = 0; i < to; ++i) {
    const double place = c.half_pixel_centers ? scale * (i + 0.5) : scale * i;
    const double whole = c.align_corners ? std::floor(place + 0.5) : std::floor(place);
    source.push_back(std::max<int64_t>(0, std::min<int64_t>(from - 1, static_cast<int64_t>(whole))));
  }
  return source;
}

at::Tensor index_of(const std::vector<int64_t>& list, const at::Tensor& like) {
  return at::tensor(list, at::kLong).to(like.device());
}

at::Tensor weight_of(const Axis& axis, int64_t dim, const at::Tensor& like) {
  Integers shape(4, 1);
  shape[dim] = axis.weight.size();
  return at::tensor(axis.weight, at::kFloat).to(like.device()).view(shape);
}

/** A side longer than this is a mistake. */
constexpr int64_t kLongest = int64_t{1} << 24;

struct Resize {
  int64_t height, width;
  Convention convention;
};

Resize read_resize(Call& call) {
  Resize r;
  r.height = call.integer();
  r.width = call.integer();
  TORCH_CHECK(
      r.height >= 0 && r.width >= 0 && std::max(r.height, r.width) <= kLongest, "cannot resize to ", r.height, " by ", r.width);
  r.convention.align_corners = call.flag();
  r.convention.half_pixel_centers = call.flag();
  return r;
}

at::Tensor interpolate(const at::Tensor& x, int64_t dim, const Axis& axis) {
  const at::Tensor low = at::index_select(x, dim, index_of(axis.low, x));
  const at::Tensor high = at::index_select(x, dim, index_of(axis.high, x));
  return at::add(low, at::mul(at::sub(high, low), weight_of(axis, dim, x)));
}

at::Tensor spread_back(const at::Tensor& dy, int64_t dim, int64_t size, const Axis& axis) {
  Integers shape(dy.sizes().begin(), dy.sizes().end());
  shape[dim] = size;
  const at::Tensor upper = at::mul(dy, weight_of(axis, dim, dy));
  at::Tensor dx = at::zeros(shape, dy.options());
  dx.index_add_(dim, index_of(axis.low, dy), at::sub(dy, upper));
  return dx.index_add_(dim, index_of(axis.high, dy), upper);
}

void resize_bilinear(Call& call) {
  const at::Tensor x = call.tensor().to(at::kFloat);
  const Resize r = read_resize(call);
  const at::Tensor rows = interpolate(x, 1, bilinear_axis(x.size(1), r.height, r.convention));
  call.give(interpolate(rows, 2, bilinear_axis(x.size(2), r.width, r.convention)));
}

void resize_bilinear_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& x = call.tensor();
  const Resize r = read_resize(call);
  const at::Tensor rows = spread_back(dy, 2, x.size(2), bilinear_axis(x.size(2), r.width, r.convention));
  call.give(spread_back(rows, 1, x.size(1), bilinear_axis(x.size(1), r.height, r.convention)));
}

void resize_nearest(Call& call) {
  const at::Tensor& x = call.tensor();
  const Resize r = read_resize(call);
  const at::Tensor rows = at::index_select(x, 1, index_of(nearest_axis(x.size(1), r.height, r.convention), x));
  call.give(at::index_select(rows, 2, index_of(nearest_axis(x.size(2), r.width, r.convention), x)));
}

void resize_nearest_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& x = call.tensor();
  const Resize r = read_resize(call);
  at::Tensor rows = at::zeros({dy.size(0), dy.size(1), x.size(2), dy.size(3)}, dy.options());
  rows.index_add_(2, index_of(nearest_axis(x.size(2), r.width, r.convention), dy), dy);
  at::Tensor dx = at::zeros(x.sizes(), dy.options());
  call.give(dx.index_add_(1, index_of(nearest_axis(x.size(1), r.height, r.convention), dy), rows));
}

/** Nearest or linear interpolation with half-pixel centres: libtorch's own, on views with channels first. */
void upsample(Call& call) {
  const at::Tensor& x = call.tensor();
  const Integers size = call.integers();
  TORCH_CHECK(x.dim() == 4, "x is not [batch, height, width, channel]");
  const at::Tensor image = x.movedim(3, 1);
  const at::IntArrayRef target(size);
  call.give((call.flag() ? at::upsample_bilinear2d(image, target, false) : at::upsample_nearest2d(image, target)).movedim(1, 3));
}

/** d(x [batch, height, width, channel]) of `upsample`. */
void upsample_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const Integers shape = call.integers();
  TORCH_CHECK(dy.dim() == 4 && shape.size() == 4, "dy is not [batch, height, width, channel]");
  const at::Tensor slope = dy.movedim(3, 1);
  const Integers target{dy.size(1), dy.size(2)}, input{shape[0], shape[3], shape[1], shape[2]};
  const at::Tensor dx = call.flag() ? at::upsample_bilinear2d_backward(slope, target, input, false)
                                    : at::upsample_nearest2d_backward(slope, target, input);
  call.give(dx.movedim(1, 3));
}

}  // namespace

void add_images(Operations& operations) {
  const Operation table[] = {
      {"resize_bilinear", resize_bilinear}, {"resize_bilinear_grad", resize_bilinear_grad},
      {"resize_nearest", resize_nearest}, {"resize_nearest_grad", resize_nearest_grad},
      {"upsample", upsample}, {"upsample_grad", upsample_grad},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
