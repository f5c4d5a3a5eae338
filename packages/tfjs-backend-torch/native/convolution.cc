// Convolution and pooling in two and three dimensions, channels last as tfjs lays them out.
#include "call.h"

namespace thinkrl {
namespace {

/**
 * Everything but the tensors: one entry per spatial axis. Padding after an axis may be negative (a crop); `inner` is left
 * to libtorch.
 */
struct Geometry {
  Integers strides, dilations, before, after, inner;
  int64_t groups;

  size_t rank() const { return strides.size(); }
};

Geometry read_geometry(Call& call) {
  Geometry g;
  g.strides = call.integers();
  g.dilations = call.integers();
  g.before = call.integers();
  g.after = call.integers();
  g.groups = call.integer();
  g.inner = Integers(g.rank(), 0);
  for (const Integers* list : {&g.dilations, &g.before, &g.after}) {
    TORCH_CHECK(list->size() == g.rank(), "strides, dilations and padding differ in length");
  }
  for (const Integers* list : {&g.strides, &g.dilations}) {
    for (const int64_t step : *list) TORCH_CHECK(step > 0, "a stride or dilation is ", step);
  }
  return g;
}

/** The same for a convolution, in which libtorch itself pads with zeros where both sides get the same. */
Geometry read_convolution(Call& call) {
  Geometry g = read_geometry(call);
  TORCH_CHECK(g.groups > 0, "no channels");
  const bool even = g.before == g.after && std::all_of(g.before.begin(), g.before.end(), [](int64_t x) { return x >= 0; });
  if (even) {
    std::swap(g.before, g.inner);
    g.after = g.before;
  }
  return g;
}

at::Tensor channels_first(const at::Tensor& x) { return x.movedim(-1, 1); }

at::Tensor channels_last(const at::Tensor& x) { return x.movedim(1, -1); }

at::Tensor padded(const at::Tensor& x, const Geometry& g, double value) {
  Integers pads;
  bool any = false;
  for (size_t i = g.rank(); i-- > 0;) {
    pads.append({g.before[i], g.after[i]});
    any = any || g.before[i] != 0 || g.after[i] != 0;
  }
  return any ? at::constant_pad_nd(x, pads, value) : x;
}

/** Undoes `padded` on a gradient: drops the border, or adds zeros where the input was cropped. */
at::Tensor unpadded(const at::Tensor& x, const Geometry& g) {
  Geometry inverse = g;
  for (size_t i = 0; i < g.rank(); ++i) {
    inverse.before[i] = -g.before[i];
    inverse.after[i] = -g.after[i];
  }
  return padded(x, inverse, 0);
}

/** [spatial..., in, out] to [out, in, spatial...]; depthwise [spatial..., in, multiplier] to [in*multiplier, 1, ...]. */
at::Tensor filter_first(const at::Tensor& filter, const Geometry& g) {
  const at::Tensor moved = filter.movedim(-1, 0).movedim(-1, 1);
  if (g.groups == 1) return moved;
  Integers shape(filter.sizes().begin(), filter.sizes().begin() + g.rank());
  shape.insert(shape.begin(), {filter.size(-2) * filter.size(-1), 1});
  return moved.transpose(0, 1).reshape(shape);
}

at::Tensor filter_last(const at::Tensor& moved, at::IntArrayRef shape, const Geometry& g) {
  if (g.groups == 1) return moved.movedim(1, -1).movedim(0, -1);
  Integers split{shape[g.rank()], shape[g.rank() + 1]};
  split.append(shape.begin(), shape.begin() + g.rank());
  return moved.reshape(split).movedim(0, -1).movedim(0, -1);
}

Integers zeros(const Geometry& g) { return Integers(g.rank(), 0); }

void check_ranks(int64_t x, int64_t other, const Geometry& g) {
  const int64_t rank = static_cast<int64_t>(g.rank()) + 2;
  TORCH_CHECK(x == rank && other == rank, "the ranks are not ", rank);
}

/** x [batch, spatial..., in], weight [out, in / groups, spatial...], y [batch, spatial..., out]. */
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Geometry& g) {
  const at::Tensor image = padded(channels_first(x), g, 0);
  return channels_last(at::convolution(image, weight, maybe(bias), g.strides, g.inner, g.dilations, false, zeros(g), g.groups));
}

void conv(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& filter = call.tensor();
  const Geometry g = read_convolution(call);
  check_ranks(x.dim(), filter.dim(), g);
  call.give(convolve(x, filter_first(filter, g), {}, g));
}

/** The same with weights as PyTorch keeps them, [out, in / groups, spatial...], and a bias. */
void convolution(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& weight = call.tensor();
  const at::Tensor bias = call.maybe_tensor();
  const Geometry g = read_convolution(call);
  check_ranks(x.dim(), weight.dim(), g);
  call.give(convolve(x, weight, bias, g));
}

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

Gradients backward(
    const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, const Geometry& g, std::array<bool, 3> mask) {
  const at::Tensor slope = channels_first(dy), image = padded(channels_first(x), g, 0), dense = weight.contiguous();
  const auto run = [&] {
    return at::convolution_backward(
        slope, image, dense, nullopt, g.strides, g.inner, g.dilations, false, zeros(g), g.groups, mask);
  };
  try {
    return run();
  } catch (const std::exception&) {
    // oneDNN has no backward pass for some large filters; libtorch's own kernels do.
    at::globalContext().setUserEnabledMkldnn(false);
    try {
      const Gradients result = run();
      at::globalContext().setUserEnabledMkldnn(true);
      return result;
    } catch (...) {
      at::globalContext().setUserEnabledMkldnn(true);
      throw;
    }
  }
}

/** tfjs lets a transposed convolution name an output too small for its slope; what has no place is dropped. */
at::Tensor fitting(at::Tensor dy, const at::Tensor& filter, at::IntArrayRef input, const Geometry& g) {
  for (size_t i = 0; i < g.rank(); ++i) {
    const int64_t reach = (filter.size(i) - 1) * g.dilations[i] + 1;
    const int64_t room = (input[i + 1] + g.before[i] + g.after[i] + 2 * g.inner[i] - reach) / g.strides[i] + 1;
    if (dy.size(i + 1) > room) dy = dy.narrow(i + 1, 0, room);
  }
  return dy;
}

/** d(x [shape]) for weights [out, in / groups, spatial...]. */
at::Tensor input_grad(const at::Tensor& dy, const at::Tensor& weight, at::IntArrayRef shape, const Geometry& g) {
  const at::Tensor x = at::empty(shape, dy.options());
  return channels_last(unpadded(std::get<0>(backward(dy, x, weight, g, {true, false, false})), g));
}

void conv_input_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& filter = call.tensor();
  const Integers shape = call.integers();
  const Geometry g = read_convolution(call);
  check_ranks(dy.dim(), filter.dim(), g);
  check_ranks(dy.dim(), shape.size(), g);
  call.give(input_grad(fitting(dy, filter, shape, g), filter_first(filter, g), shape, g));
}

void convolution_input_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& weight = call.tensor();
  const Integers shape = call.integers();
  const Geometry g = read_convolution(call);
  check_ranks(dy.dim(), weight.dim(), g);
  check_ranks(dy.dim(), shape.size(), g);
  call.give(input_grad(dy, weight, shape, g));
}

void conv_filter_grad(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& dy = call.tensor();
  const Integers shape = call.integers();
  const Geometry g = read_convolution(call);
  check_ranks(x.dim(), dy.dim(), g);
  check_ranks(x.dim(), shape.size(), g);
  const at::Tensor weight = filter_first(at::empty(shape, x.options()), g);
  call.give(filter_last(std::get<1>(backward(dy, x, weight, g, {false, true, false})), shape, g));
}

void convolution_weight_grad(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& dy = call.tensor();
  const Integers shape = call.integers();
  const Geometry g = read_convolution(call);
  check_ranks(x.dim(), dy.dim(), g);
  check_ranks(x.dim(), shape.size(), g);
  call.give(std::get<1>(backward(dy, x, at::empty(shape, x.options()), g, {false, true, false})));
}

struct Window {
  Integers size;
  Geometry geometry;
};

Window read_window(Call& call) {
  Integers size = call.integers();
  return {size, read_geometry(call)};
}

/** All windows of a padded [n, c, spatial...] as one extra trailing axis. */
at::Tensor windows_of(at::Tensor x, const Window& w) {
  const Geometry& g = w.geometry;
  for (size_t i = 0; i < g.rank(); ++i) {
    const int64_t axis = 2 + static_cast<int64_t>(i), reach = (w.size[i] - 1) * g.dilations[i] + 1;
    if (x.size(axis) < reach) {
      Integers nothing(x.sizes().begin(), x.sizes().end());
      nothing[axis] = 0;
      nothing.push_back(w.size[i]);
      x = at::empty(nothing, x.options());
      continue;
    }
    x = x.unfold(axis, reach, g.strides[i]);
    if (g.dilations[i] > 1) x = x.slice(-1, 0, nullopt, g.dilations[i]);
  }
  return x;
}

/** How many true elements each window covers; 1 for a window of padding only. */
at::Tensor window_counts(const at::Tensor& x, const Window& w) {
  Integers axes;
  for (size_t i = 0; i < w.geometry.rank(); ++i) axes.push_back(-1 - static_cast<int64_t>(i));
  Integers shape(x.sizes().begin(), x.sizes().end());
  shape[0] = shape[1] = 1;
  const at::Tensor ones = at::ones(shape, x.options().dtype(at::kFloat));
  return at::clamp_min(at::sum(windows_of(padded(ones, w.geometry, 0), w), axes), 1);
}

void average_pool(Call& call) {
  at::Tensor x = channels_first(call.tensor());
  const Window w = read_window(call);
  Integers axes;
  for (size_t i = 0; i < w.geometry.rank(); ++i) axes.push_back(-1 - static_cast<int64_t>(i));
  const bool whole = !at::isFloatingType(x.scalar_type());
  const at::Tensor sums = at::sum(windows_of(padded(x.to(at::kFloat), w.geometry, 0), w), axes);
  const at::Tensor y = channels_last(at::div(sums, window_counts(x, w)));
  call.give(whole ? y.to(at::kInt) : y);
}

/** Adds `pieces` [n, c, out..., window...] back onto the places their windows came from. */
at::Tensor spread(const at::Tensor& pieces, at::IntArrayRef input, const Window& w) {
  at::Tensor padded_shape = padded(at::zeros(input, pieces.options()), w.geometry, 0).contiguous();
  const at::Tensor index = at::arange(padded_shape.numel(), pieces.options().dtype(at::kLong)).view(padded_shape.sizes());
  const at::Tensor places = windows_of(index, w).reshape({-1});
  padded_shape.view({-1}).index_add_(0, places, pieces.expand(windows_of(index, w).sizes()).reshape({-1}));
  return unpadded(padded_shape, w.geometry);
}

at::Tensor with_window_axes(at::Tensor x, const Window& w) {
  for (size_t i = 0; i < w.geometry.rank(); ++i) x = x.unsqueeze(-1);
  return x;
}

void average_pool_grad(Call& call) {
  const at::Tensor dy = channels_first(call.tensor());
  const at::Tensor x = channels_first(call.tensor());
  const Window w = read_window(call);
  // As tfjs defines it: padding takes its share of the slope, although it took none of the mean.
  double area = 1;
  for (const int64_t size : w.size) area *= static_cast<double>(size);
  const at::Tensor shares = with_window_axes(at::div(dy, area), w);
  call.give(channels_last(spread(shares, x.sizes(), w)));
}

at::Tensor flat_windows(const at::Tensor& x, const Window& w) {
  const double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor known = at::nan_to_num(x, -infinity, infinity, -infinity);
  const at::Tensor windows = windows_of(padded(known, w.geometry, -infinity), w);
  return windows.flatten(-static_cast<int64_t>(w.geometry.rank()));
}

void max_pool(Call& call) {
  const at::Tensor x = channels_first(call.tensor());
  const Window w = read_window(call);
  const at::Tensor y = channels_last(at::amax(flat_windows(x.to(at::kFloat), w), {-1}));
  call.give(at::isFloatingType(x.scalar_type()) ? y : y.to(x.scalar_type()));
}

/** Where in the unpadded input each window's first maximum lies: flat over (y, x, channel), or (batch, ...) too. */
void max_pool_argmax(Call& call) {
  const at::Tensor input = call.tensor();
  const Window w = read_window(call);
  const bool with_batch = call.flag();
  const at::Tensor index = at::arange(input.numel(), input.options().dtype(at::kDouble)).view(input.sizes());
  const at::Tensor places = windows_of(padded(channels_first(index), w.geometry, 0), w);
  const at::Tensor windows = flat_windows(channels_first(input.to(at::kFloat)), w);
  const at::Tensor best = at::argmax(windows, -1, true);
  const at::Tensor flat = places.flatten(-static_cast<int64_t>(w.geometry.rank()));
  at::Tensor found = at::gather(flat, -1, best).squeeze(-1);
  const int64_t image = input.numel() / std::max<int64_t>(1, input.size(0));
  if (!with_batch) found = at::remainder(found, static_cast<double>(image));
  call.give(channels_last(at::amax(windows, {-1})));
  call.give(channels_last(found).to(at::kInt));
}

void max_pool_grad(Call& call) {
  const at::Tensor dy = channels_first(call.tensor());
  const at::Tensor x = channels_first(call.tensor());
  const Window w = read_window(call);
  const at::Tensor windows = flat_windows(x, w);
  const at::Tensor best = at::argmax(windows, -1, true);
  const at::Tensor pieces = at::zeros(windows.sizes(), dy.options()).scatter_(-1, best, dy.unsqueeze(-1));
  Integers shape(dy.sizes().begin(), dy.sizes().end());
  shape.append(w.size.begin(), w.size.end());
  call.give(channels_last(spread(pieces.reshape(shape), x.sizes(), w)));
}

}  // namespace

void add_convolutions(Operations& operations) {
  const Operation table[] = {
      {"conv", conv}, {"conv_input_grad", conv_input_grad}, {"conv_filter_grad", conv_filter_grad},
      {"convolution", convolution}, {"convolution_input_grad", convolution_input_grad},
      {"convolution_weight_grad", convolution_weight_grad},
      {"average_pool", average_pool}, {"average_pool_grad", average_pool_grad}, {"max_pool", max_pool},
      {"max_pool_argmax", max_pool_argmax}, {"max_pool_grad", max_pool_grad},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
