// Layer norm and RMS norm over the last axis, group norm, batch norm, gelu, silu and gated silu.
#include "call.h"
#include "vector.h"

namespace thinkrl {
namespace {

void layer_norm(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor gain = call.maybe_tensor();
  const at::Tensor bias = call.maybe_tensor();
  const auto [y, mean, rstd] =
      at::native_layer_norm(x, {x.size(-1)}, maybe(gain), maybe(bias), call.number());
  call.give(y);
  call.give_statistic(mean);
  call.give_statistic(rstd);
}

/** The slope of a norm over the last axis and the statistics it kept belong to x. */
void check_slope(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd) {
  TORCH_CHECK(dy.sizes() == x.sizes(), "dy and x differ in shape");
  TORCH_CHECK(x.dim() > 0 && rstd.numel() * x.size(-1) == x.numel(), "x is not what was normalized");
}

/** d(x), then d(gain) and d(bias) where there are any. */
void layer_norm_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& x = call.tensor();
  const at::Tensor& mean = call.statistic();
  const at::Tensor& rstd = call.statistic();
  const at::Tensor gain = call.maybe_tensor();
  const at::Tensor bias = call.maybe_tensor();
  check_slope(dy, x, rstd);
  const auto [dx, dgain, dbias] = at::native_layer_norm_backward(
      dy, x, {x.size(-1)}, mean, rstd, maybe(gain), maybe(bias), {true, gain.defined(), bias.defined()});
  call.give(dx);
  if (gain.defined()) call.give(dgain);
  if (bias.defined()) call.give(dbias);
}

/** x [batch, ..., channels] seen as libtorch wants it, channels first. */
struct Groups {
  at::Tensor x, gain, bias;
  int64_t batch, channels, places, count;
};

at::Tensor channels_first(const at::Tensor& x) { return x.movedim(-1, 1).contiguous(); }

Groups read_groups(Call& call) {
  Groups g;
  const at::Tensor& x = call.tensor();
  g.gain = call.maybe_tensor(), g.bias = call.maybe_tensor();
  g.count = call.integer();
  TORCH_CHECK(x.dim() >= 2 && x.numel() > 0, "x is not [batch, ..., channels]");
  g.batch = x.size(0), g.channels = x.size(-1), g.places = x.numel() / g.batch / g.channels;
  TORCH_CHECK(g.count > 0 && g.channels % g.count == 0, g.channels, " channels do not divide into ", g.count, " groups");
  for (at::Tensor* vector : {&g.gain, &g.bias}) {
    if (!vector->defined()) continue;
    TORCH_CHECK(vector->dim() == 1 && vector->size(0) == g.channels, "gain and bias do not have ", g.channels, " elements");
    *vector = vector->to(x.scalar_type()).contiguous();
  }
  g.x = channels_first(x);
  return g;
}

void group_norm(Call& call) {
  const Groups g = read_groups(call);
  const auto [y, mean, rstd] = at::native_group_norm(
      g.x, maybe(g.gain), maybe(g.bias), g.batch, g.channels, g.places, g.count, call.number());
  call.give(y.movedim(1, -1));
  call.give_statistic(mean);
  call.give_statistic(rstd);
}

/** d(x), then d(gain) and d(bias) where there is a gain. */
void group_norm_grad(Call& call) {
  const Groups g = read_groups(call);
  const at::Tensor& dy = call.tensor();
  const at::Tensor& mean = call.statistic();
  const at::Tensor& rstd = call.statistic();
  TORCH_CHECK(dy.sizes() == g.x.movedim(1, -1).sizes(), "dy and x differ in shape");
  TORCH_CHECK(mean.numel() == g.batch * g.count && rstd.numel() == mean.numel(), "x is not what was normalized");
  const bool gained = g.gain.defined();
  const auto [dx, dgain, dbias] = at::native_group_norm_backward(
      channels_first(dy), g.x, mean, rstd, maybe(g.gain), g.batch, g.channels, g.places, g.count, {true, gained, gained});
  call.give(dx.movedim(1, -1));
  if (!gained) return;
  call.give(dgain);
  call.give(dbias);
}

constexpr int64_t kRowsAtOnce = 64;

void rms_norm(Call& call) {
  const at::Tensor& input = call.tensor();
  const at::Tensor gain = call.tensor().contiguous();
  const double epsilon = call.number();
  const int64_t width = input.size(-1), rows = width == 0 ? 0 : input.numel() / width;
  TORCH_CHECK(at::isFloatingType(input.scalar_type()), "x is not float32");
  TORCH_CHECK(gain.numel() == width, "the gain has ", gain.numel(), " elements, x has ", width, " features");
  Integers outer(input.sizes().begin(), input.sizes().end());
  outer.back() = 1;
  if (!plain_floats(input)) {
    const at::Tensor x = input.to(at::kFloat);
    const at::Tensor rstd = at::rsqrt(at::mean(at::square(x), {-1}, true) + epsilon);
    call.give(at::mul(at::mul(x, rstd), gain).to(input.scalar_type()));
    return call.give_statistic(rstd);
  }
  const at::Tensor x = input.contiguous();
  at::Tensor y = at::empty(x.sizes(), x.options()), rstd = at::empty(outer, x.options());
  const float *from = x.data_ptr<float>(), *scale = gain.data_ptr<float>();
  float *to = y.data_ptr<float>(), *saved = rstd.data_ptr<float>();
  at::parallel_for(0, rows, kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* row = from + i * width;
      const float r = static_cast<float>(1.0 / std::sqrt(row_dot(row, row, width) / width + epsilon));
      saved[i] = r;
      for (int64_t j = 0; j < width; ++j) to[i * width + j] = row[j] * r * scale[j];
    }
  });
  call.give(y);
  call.give_statistic(rstd);
}

/** Partial d(gain) per block of rows are added in order, so the result does not depend on the number of threads. */
void rms_norm_grad(Call& call) {
  const at::Tensor dy = call.tensor().contiguous();
  const at::Tensor x = call.tensor().contiguous();
  const at::Tensor& rstd = call.statistic();
  const at::Tensor gain = call.tensor().contiguous();
  check_slope(dy, x, rstd);
  const int64_t width = x.size(-1), rows = width == 0 ? 0 : x.numel() / width;
  TORCH_CHECK(gain.numel() == width, "the gain has ", gain.numel(), " elements, x has ", width, " features");
  if (!plain_floats(x)) {
    const at::Tensor wide = x.to(at::kFloat), up = at::mul(dy, gain).to(at::kFloat), unit = at::mul(wide, rstd);
    const at::Tensor pull = at::mean(at::mul(up, unit), {-1}, true);
    call.give(at::mul(at::sub(up, at::mul(unit, pull)), rstd).to(x.scalar_type()));
    return call.give(at::sum(at::mul(dy, unit).reshape({-1, width}), {0}).to(gain.scalar_type()));
  }
  const int64_t blocks = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  at::Tensor dx = at::empty(x.sizes(), x.options()), partial = at::zeros({blocks, width}, x.options());
  const float *up = dy.data_ptr<float>(), *from = x.data_ptr<float>(), *saved = rstd.data_ptr<float>();
  const float* scale = gain.data_ptr<float>();
  float *to = dx.data_ptr<float>(), *sums = partial.data_ptr<float>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * kRowsAtOnce; i < std::min(rows, end * kRowsAtOnce); ++i) {
      const float *row = from + i * width, *slope = up + i * width, r = saved[i];
      float* sum = sums + i / kRowsAtOnce * width;
      Lanes total_pull{};
      float pull = 0;
      int64_t j = 0;
      for (; j + kLanes <= width; j += kLanes) total_pull += load(slope + j) * load(scale + j) * load(row + j);
      for (; j < width; ++j) pull += slope[j] * scale[j] * row[j];
      pull = (pull + total(total_pull)) * r * r * r / static_cast<float>(width);
      for (int64_t k = 0; k < width; ++k) {
        to[i * width + k] = slope[k] * scale[k] * r - row[k] * pull;
        sum[k] += slope[k] * row[k] * r;
      }
    }
  });
  call.give(dx);
  call.give(at::sum(partial, {0}));
}

const char* gelu_form(Call& call) { return call.flag() ? "tanh" : "none"; }

void gelu(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(at::gelu(x, gelu_form(call)));
}

void gelu_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& x = call.tensor();
  call.give(at::gelu_backward(dy, x, gelu_form(call)));
}

void silu(Call& call) { call.give(at::silu(call.tensor())); }

void silu_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  call.give(at::silu_backward(dy, call.tensor()));
}

struct Gated {
  at::Tensor gate, up;
};

Gated read_gated(Call& call) {
  Gated g{call.tensor(), call.tensor()};
  TORCH_CHECK(g.gate.sizes() == g.up.sizes(), "gate and up differ in shape");
  const bool floats = at::isFloatingType(g.gate.scalar_type()) && at::isFloatingType(g.up.scalar_type());
  TORCH_CHECK(floats, "gate and up are not float32");
  return {g.gate.contiguous(), g.up.contiguous()};
}

Lanes sigmoid(Lanes x) { return 1.0f / (1.0f + exponential(-x)); }

/** Calls `body(from, count)` for stretches of up to eight of `length` elements, on libtorch's threads. */
template <typename Body>
void over_lanes(int64_t length, Body body) {
  at::parallel_for(0, (length + kLanes - 1) / kLanes, 2048, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i * kLanes, std::min(kLanes, length - i * kLanes));
  });
}

/** silu(gate) up. */
void gated_silu(Call& call) {
  const auto [gate, up] = read_gated(call);
  if (!plain_floats(gate) || !plain_floats(up)) return call.give(at::mul(at::silu(gate), up));
  at::Tensor y = at::empty(gate.sizes(), gate.options());
  const float *gates = gate.data_ptr<float>(), *ups = up.data_ptr<float>();
  float* to = y.data_ptr<float>();
  over_lanes(y.numel(), [&](int64_t at, int64_t count) {
    const Lanes g = load_tail(gates + at, count, 0), u = load_tail(ups + at, count, 0);
    store_tail(to + at, g * sigmoid(g) * u, count);
  });
  call.give(y);
}

/** d(gate) and d(up). */
void gated_silu_grad(Call& call) {
  const auto [gate, up] = read_gated(call);
  const at::Tensor dy = call.tensor().contiguous();
  TORCH_CHECK(dy.sizes() == gate.sizes() && at::isFloatingType(dy.scalar_type()), "dy is not float32 of gate's shape");
  if (!plain_floats(gate) || !plain_floats(up) || !plain_floats(dy)) {
    call.give(at::silu_backward(at::mul(dy, up), gate));
    return call.give(at::mul(dy, at::silu(gate)));
  }
  at::Tensor dgate = at::empty(gate.sizes(), gate.options()), dup = at::empty(gate.sizes(), gate.options());
  const float *gates = gate.data_ptr<float>(), *ups = up.data_ptr<float>(), *slopes = dy.data_ptr<float>();
  float *to_gate = dgate.data_ptr<float>(), *to_up = dup.data_ptr<float>();
  over_lanes(dy.numel(), [&](int64_t at, int64_t count) {
    const Lanes g = load_tail(gates + at, count, 0), u = load_tail(ups + at, count, 0);
    const Lanes slope = load_tail(slopes + at, count, 0), s = sigmoid(g);
    store_tail(to_gate + at, slope * u * s * (1.0f + g * (1.0f - s)), count);
    store_tail(to_up + at, slope * g * s, count);
  });
  call.give(dgate);
  call.give(dup);
}

/** (x - mean) / sqrt(variance + epsilon) * scale + offset, everything broadcast over the last axes. */
void batch_norm(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& mean = call.tensor();
  const at::Tensor& variance = call.tensor();
  const at::Tensor offset = call.maybe_tensor();
  const at::Tensor scale = call.maybe_tensor();
  at::Tensor factor = at::rsqrt(at::add(variance, call.number()));
  if (scale.defined()) factor = at::mul(factor, scale);
  at::Tensor y = at::mul(at::sub(x, mean), factor);
  call.give(offset.defined() ? at::add(y, offset) : y);
}

}  // namespace

void add_normalization(Operations& operations) {
  const Operation table[] = {
      {"layer_norm", layer_norm}, {"layer_norm_grad", layer_norm_grad}, {"rms_norm", rms_norm},
      {"rms_norm_grad", rms_norm_grad}, {"gelu", gelu}, {"gelu_grad", gelu_grad}, {"silu", silu},
      {"silu_grad", silu_grad}, {"gated_silu", gated_silu}, {"gated_silu_grad", gated_silu_grad},
      {"group_norm", group_norm}, {"group_norm_grad", group_norm_grad}, {"batch_norm", batch_norm},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
