// A pre-norm transformer block as one operation, forward and backward.
//
//   attended = x + attentionGate (attention(norm(x)) outputWeight^T + outputBias)
//   y = attended + forwardGate (gelu(norm(attended) upWeight^T + upBias) downWeight^T + downBias)
//
// Everything but the attention goes token by token, so on a CPU each thread takes a run of tokens through norm, products,
// GELU and residual while they are in its cache, and meets the others only around the attention.
#include "attention.h"
#include "call.h"
#include "product.h"

namespace thinkrl {
namespace {

struct Norm {
  at::Tensor gain, bias;
  double epsilon;
};

struct Projection {
  at::Tensor weight, bias;
};

/** Inputs in the order in which JavaScript gives them. */
struct Block {
  at::Tensor x, mask, past_key, past_value;
  Norm attention_norm;
  Projection qkv, output;
  at::Tensor attention_gate;
  Norm forward_norm;
  Projection up, down;
  at::Tensor forward_gate;
  int64_t heads, targets;

  int64_t batch() const { return x.size(0); }
  int64_t tokens() const { return x.size(1); }
  int64_t width() const { return x.size(2); }
  int64_t first_target() const { return tokens() - targets; }
};

/** What the backward pass needs of the forward pass, besides the inputs. */
struct Kept {
  at::Tensor mean, deviation, qkv, key, value, mixed, log_sums, attended, forward_mean, forward_deviation, inner;

  std::array<at::Tensor*, 6> values() { return {&qkv, &key, &value, &mixed, &attended, &inner}; }
  std::array<at::Tensor*, 5> statistics() {
    return {&mean, &deviation, &log_sums, &forward_mean, &forward_deviation};
  }
};

std::array<at::Tensor*, 17> tensors_of(Block& b) {
  return {&b.x, &b.mask, &b.past_key, &b.past_value, &b.attention_norm.gain, &b.attention_norm.bias, &b.qkv.weight,
          &b.qkv.bias, &b.output.weight, &b.output.bias, &b.attention_gate, &b.forward_norm.gain, &b.forward_norm.bias,
          &b.up.weight, &b.up.bias, &b.down.weight, &b.down.bias};
}

void check_projection(const char* name, const Projection& p, int64_t outputs, int64_t inputs) {
  TORCH_CHECK(
      p.weight.dim() == 2 && p.weight.size(0) == outputs && p.weight.size(1) == inputs, name, " weight is ",
      p.weight.sizes(), ", not [", outputs, ", ", inputs, "]");
  TORCH_CHECK(!p.bias.defined() || p.bias.numel() == outputs, name, " bias has ", p.bias.numel(), " elements");
}

void check_vector(const char* name, const at::Tensor& x, int64_t length) {
  TORCH_CHECK(!x.defined() || (x.dim() == 1 && x.numel() == length), name, " does not have shape [", length, "]");
}

void check(const Block& b) {
  TORCH_CHECK(b.x.dim() == 3, "x has rank ", b.x.dim(), ", not 3");
  const int64_t width = b.width();
  TORCH_CHECK(b.heads > 0 && width % b.heads == 0, b.heads, " heads do not divide a width of ", width);
  TORCH_CHECK(b.targets > 0 && b.targets <= b.tokens(), b.targets, " targets of ", b.tokens(), " tokens");
  TORCH_CHECK(b.past_key.defined() == b.past_value.defined(), "past keys and past values come together");
  check_projection("qkv", b.qkv, 3 * width, width);
  check_projection("output", b.output, width, width);
  check_projection("up", b.up, b.up.weight.size(0), width);
  check_projection("down", b.down, width, b.up.weight.size(0));
  for (const Norm* norm : {&b.attention_norm, &b.forward_norm}) {
    check_vector("a norm's gain", norm->gain, width);
    check_vector("a norm's bias", norm->bias, width);
  }
  check_vector("the attention gate", b.attention_gate, width);
  check_vector("the forward gate", b.forward_gate, width);
}

Block read_block(Call& call) {
  Block b;
  for (at::Tensor* tensor : tensors_of(b)) {
    *tensor = tensor == &b.mask ? call.maybe_statistic() : call.maybe_tensor();
  }
  b.forward_gate = call.maybe_tensor();
  b.heads = call.integer();
  b.targets = call.integer();
  b.attention_norm.epsilon = b.forward_norm.epsilon = call.number();
  TORCH_CHECK(b.x.defined(), "x is missing");
  if (b.targets == 0) b.targets = b.tokens();
  b.x = b.x.contiguous();
  check(b);
  return b;
}

/** A gate on a projection's outputs is a factor on the rows of its weight and on its bias. */
Projection gated(const Projection& p, const at::Tensor& gate) {
  if (!gate.defined()) return p;
  return {at::mul(p.weight, gate.unsqueeze(1)), p.bias.defined() ? at::mul(p.bias, gate) : p.bias};
}

/** Runs `body(first, count)` over all tokens: a run at a time over the threads of a CPU, at once elsewhere. */
template <typename Body>
void over_tokens(const at::Tensor& like, int64_t tokens, int64_t run, Body body) {
  if (!like.is_cpu()) return body(0, tokens);
  at::parallel_for(0, (tokens + run - 1) / run, 1, [&](int64_t begin, int64_t end) {
    c10::InferenceMode inference;
    for (int64_t i = begin; i < end; ++i) body(i * run, std::min(run, tokens - i * run));
  });
}

/** Tokens a thread takes at a time: at most 192, so that they stay in its cache, and as many for every thread. */
int64_t run_length(int64_t tokens) {
  const int64_t threads = at::get_num_threads(), share = (tokens + threads - 1) / threads;
  const int64_t runs = (share + 191) / 192, run = (share + runs - 1) / runs;
  return (run + 7) / 8 * 8;
}

int64_t runs_of(const at::Tensor& like, int64_t tokens) {
  const int64_t run = run_length(tokens);
  return like.is_cpu() ? (tokens + run - 1) / run : 1;
}

auto normalize(const at::Tensor& x, const Norm& norm) {
  return at::native_layer_norm(x, {x.size(-1)}, maybe(norm.gain), maybe(norm.bias), norm.epsilon);
}

at::Tensor rows(const at::Tensor& x) { return x.view({-1, x.size(-1)}); }

/** The tokens of x that ask: all, or a copy of each row's last ones. */
at::Tensor asking(const Block& b) {
  if (b.targets == b.tokens()) return rows(b.x);
  return rows(b.x.narrow(1, b.first_target(), b.targets).contiguous());
}

/** Queries (0), keys (1) or values (2) in a joint projection, as a view [batch, tokens, heads, width / heads]. */
at::Tensor part_of(const at::Tensor& qkv, const Block& b, int64_t part) {
  return qkv.view({b.batch(), b.tokens(), 3, b.heads, b.width() / b.heads}).select(2, part);
}

void project_tokens(const Block& b, Kept& kept) {
  const at::Tensor x = rows(b.x);
  const int64_t tokens = x.size(0);
  kept.qkv = at::empty({tokens, 3 * b.width()}, x.options());
  kept.mean = at::empty({tokens, 1}, x.options().dtype(at::kFloat));
  kept.deviation = at::empty_like(kept.mean);
  const Weight qkv(b.qkv.weight, tokens);
  over_tokens(x, tokens, run_length(tokens), [&](int64_t first, int64_t count) {
    const auto [normed, mean, deviation] = normalize(x.narrow(0, first, count), b.attention_norm);
    kept.mean.narrow(0, first, count).copy_(mean);
    kept.deviation.narrow(0, first, count).copy_(deviation);
    qkv.times(kept.qkv.narrow(0, first, count), normed, {}, b.qkv.bias);
  });
}

at::Tensor target_mask(const Block& b) {
  if (!b.mask.defined() || b.mask.dim() < 2 || b.mask.size(-2) <= b.targets) return b.mask;
  return b.mask.narrow(-2, b.mask.size(-2) - b.targets, b.targets);
}

Attention attention_of(const Block& b, const Kept& kept) {
  const at::Tensor query = part_of(kept.qkv, b, 0).narrow(1, b.first_target(), b.targets);
  return Attention(query, kept.key, kept.value, target_mask(b), 1 / std::sqrt(double(query.size(3))), false);
}

/** From mixed values to the block's output; what lies between is stored only when it is to be kept. */
at::Tensor feed_forward(const Block& b, Kept& kept, bool keep) {
  const at::Tensor x = asking(b), mixed = kept.mixed.view({-1, b.width()});
  const Projection output = gated(b.output, b.attention_gate), down = gated(b.down, b.forward_gate);
  const int64_t tokens = x.size(0), inner = b.up.weight.size(0);
  at::Tensor y = at::empty_like(x);
  if (keep) {
    kept.attended = at::empty_like(x);
    kept.forward_mean = at::empty({tokens, 1}, x.options().dtype(at::kFloat));
    kept.forward_deviation = at::empty_like(kept.forward_mean);
    kept.inner = at::empty({tokens, inner}, x.options());
  }
  const Weight by_output(output.weight, tokens), by_up(b.up.weight, tokens), by_down(down.weight, tokens);
  over_tokens(x, tokens, run_length(tokens), [&](int64_t first, int64_t count) {
    const auto part = [&](const at::Tensor& all) { return all.narrow(0, first, count); };
    at::Tensor attended = keep ? part(kept.attended) : at::empty({count, b.width()}, x.options());
    by_output.times(attended, part(mixed), part(x), output.bias);
    const auto [normed, mean, deviation] = normalize(attended, b.forward_norm);
    at::Tensor before = keep ? part(kept.inner) : at::empty({count, inner}, x.options());
    by_up.times(before, normed, {}, b.up.bias);
    if (keep) {
      part(kept.forward_mean).copy_(mean);
      part(kept.forward_deviation).copy_(deviation);
    }
    by_down.times(part(y), keep ? at::gelu(before) : at::gelu_(before), attended, down.bias);
  });
  return y.view({b.batch(), b.targets, b.width()});
}

/** Writes the tokens' own keys and values behind those that a cache holds and looks at both. */
void write_cache(const Block& b, Kept& kept, int64_t position) {
  const int64_t end = position + b.tokens();
  TORCH_CHECK(
      b.past_key.defined() && end <= b.past_key.size(1), "tokens ", position, "..", end, " do not fit the cache");
  const auto write = [&](at::Tensor cache, int64_t part) {
    cache.narrow(1, position, b.tokens()).copy_(part_of(kept.qkv, b, part));
    return cache.narrow(1, 0, end);
  };
  kept.key = write(b.past_key, 1);
  kept.value = write(b.past_value, 2);
}

void join_past(const Block& b, Kept& kept) {
  const at::Tensor key = part_of(kept.qkv, b, 1), value = part_of(kept.qkv, b, 2);
  kept.key = b.past_key.defined() ? at::cat({b.past_key, key}, 1) : key;
  kept.value = b.past_value.defined() ? at::cat({b.past_value, value}, 1) : value;
}

/** y, then the tokens' keys and values if asked for, then what is kept: the inputs and the intermediates. */
void block(Call& call) {
  Block b = read_block(call);
  const int64_t position = call.integer();
  const bool give_key_values = call.flag(), keep = call.flag();
  Kept kept;
  project_tokens(b, kept);
  if (position >= 0) {
    write_cache(b, kept, position);
    call.changed(b.past_key);
    call.changed(b.past_value);
  } else {
    join_past(b, kept);
  }
  std::tie(kept.mixed, kept.log_sums) = attend(attention_of(b, kept));
  call.give(feed_forward(b, kept, keep));
  if (give_key_values) {
    call.give(part_of(kept.qkv, b, 1));
    call.give(part_of(kept.qkv, b, 2));
  }
  if (!keep) return;
  const at::Tensor none = at::empty({0}, b.x.options());
  const auto give = [&](const at::Tensor& x) { call.give(x.defined() ? x.alias() : none); };
  for (const at::Tensor* tensor : tensors_of(b)) {
    if (tensor == &b.mask && b.mask.defined()) {
      call.give_statistic(b.mask.alias());
    } else {
      give(*tensor);
    }
  }
  give(b.forward_gate);
  for (const at::Tensor* tensor : kept.values()) give(*tensor);
  for (const at::Tensor* tensor : kept.statistics()) call.give_statistic(tensor->alias());
}

Block read_kept(Call& call, Kept& kept) {
  Block b;
  const auto present = [](const at::Tensor& x) { return x.dim() == 1 && x.numel() == 0 ? at::Tensor() : x; };
  const auto next = [&] { return present(call.tensor()); };
  for (at::Tensor* tensor : tensors_of(b)) {
    *tensor = tensor == &b.mask ? present(call.statistic()) : next();
  }
  b.forward_gate = next();
  for (at::Tensor* tensor : kept.values()) *tensor = next();
  for (at::Tensor* tensor : kept.statistics()) *tensor = call.statistic();
  b.heads = call.integer();
  b.targets = kept.mixed.size(1);
  b.attention_norm.epsilon = b.forward_norm.epsilon = call.number();
  return b;
}

struct NormSlope {
  at::Tensor gain, bias;
};

/** Sums over tokens, one row for each run, so that the order of adding is fixed. */
struct PartialSums {
  at::Tensor gain, bias, linear;

  PartialSums(const at::Tensor& like, int64_t runs, int64_t width, int64_t outputs)
      : gain(at::empty({runs, width}, like.options())),
        bias(at::empty({runs, width}, like.options())),
        linear(at::empty({runs, outputs}, like.options())) {}
};

/** d(x) of a norm; its gain's and bias's go to row `run` of the sums. */
at::Tensor norm_backward(
    const at::Tensor& slope, const at::Tensor& x, const Norm& norm, const at::Tensor& mean, const at::Tensor& deviation,
    PartialSums& sums, int64_t run) {
  const bool affine = norm.gain.defined() || norm.bias.defined();
  const auto [dx, gain, bias] = at::native_layer_norm_backward(
      slope, x, {x.size(-1)}, mean, deviation, maybe(norm.gain), maybe(norm.bias),
      {true, norm.gain.defined(), norm.bias.defined()});
  if (affine && norm.gain.defined()) sums.gain.select(0, run).copy_(gain);
  if (affine && norm.bias.defined()) sums.bias.select(0, run).copy_(bias);
  return dx;
}

NormSlope norm_slope(const Norm& norm, const PartialSums& sums) {
  return {norm.gain.defined() ? at::sum(sums.gain, {0}) : at::Tensor(),
          norm.bias.defined() ? at::sum(sums.bias, {0}) : at::Tensor()};
}

struct GatedSlope {
  at::Tensor weight, bias, gate;
};

/** From the slope of a gated weight and bias to those of weight, bias and gate. */
GatedSlope ungated(const Projection& p, const at::Tensor& gate, const at::Tensor& weight, const at::Tensor& bias) {
  if (!gate.defined()) return {weight, p.bias.defined() ? bias : at::Tensor(), {}};
  at::Tensor pull = at::sum(at::mul(p.weight, weight), {1});
  if (p.bias.defined()) pull = at::add(pull, at::mul(p.bias, bias));
  return {at::mul(weight, gate.unsqueeze(1)), p.bias.defined() ? at::mul(bias, gate) : at::Tensor(), pull};
}

struct ForwardSlopes {
  at::Tensor attended, mixed, up_weight, up_bias;
  GatedSlope output, down;
  NormSlope norm;
};

/** From d(y) back to d(mixed values) and to d(x) along the residual. */
ForwardSlopes feed_forward_backward(const Block& b, const Kept& kept, const at::Tensor& dy) {
  const Projection output = gated(b.output, b.attention_gate), down = gated(b.down, b.forward_gate);
  const int64_t tokens = dy.size(0), inner = b.up.weight.size(0), width = b.width(), run = run_length(tokens);
  const at::Tensor activated = at::empty_like(kept.inner), slope = at::empty_like(kept.inner);
  const at::Tensor normed = at::empty_like(dy), mixed = at::empty_like(dy), attended = at::empty_like(dy);
  PartialSums sums(dy, runs_of(dy, tokens), width, inner);
  const Weight by_output(output.weight, tokens, true), by_up(b.up.weight, tokens, true), by_down(down.weight, tokens, true);
  over_tokens(dy, tokens, run, [&](int64_t first, int64_t count) {
    const auto part = [&](const at::Tensor& all) { return all.narrow(0, first, count); };
    const at::Tensor before = part(kept.inner), x = part(kept.attended);
    at::Tensor active = part(activated), inner_slope = part(slope);
    at::gelu_out(active, before);
    part(normed).copy_(std::get<0>(normalize(x, b.forward_norm)));
    by_down.times(inner_slope, part(dy));
    at::gelu_backward_out(inner_slope, inner_slope, before);
    sums.linear.select(0, first / run).copy_(at::sum(inner_slope, {0}));
    const at::Tensor mean = part(kept.forward_mean), deviation = part(kept.forward_deviation);
    const at::Tensor normed_slope = at::empty({count, width}, dy.options());
    by_up.times(normed_slope, inner_slope);
    at::Tensor total = norm_backward(normed_slope, x, b.forward_norm, mean, deviation, sums, first / run);
    part(attended).copy_(total.add_(part(dy)));
    by_output.times(part(mixed), total);
  });
  const at::Tensor values = kept.mixed.view({-1, width});
  return {
      attended, mixed, product(slope.t(), normed), b.up.bias.defined() ? at::sum(sums.linear, {0}) : at::Tensor(),
      ungated(b.output, b.attention_gate, product(attended.t(), values), at::sum(attended, {0})),
      ungated(b.down, b.forward_gate, product(dy.t(), activated), at::sum(dy, {0})), norm_slope(b.forward_norm, sums)};
}

struct AttentionSlopes {
  at::Tensor qkv, past_key, past_value;
};

/** d(query, key, value) side by side as they were projected, and those of the past. */
AttentionSlopes mix_backward(const Block& b, const Kept& kept, const at::Tensor& mixed) {
  const Attention attention = attention_of(b, kept);
  const at::Tensor qkv = at::zeros_like(kept.qkv);
  const at::Tensor query = part_of(qkv, b, 0).narrow(1, b.first_target(), b.targets);
  const at::Tensor own_key = part_of(qkv, b, 1), own_value = part_of(qkv, b, 2);
  const AttentionSlope slope{mixed.view(kept.mixed.sizes()), kept.mixed, kept.log_sums};
  if (!b.past_key.defined()) {
    attend_backward(attention, slope, {query, own_key, own_value});
    return {qkv, {}, {}};
  }
  const at::Tensor key = at::zeros(kept.key.sizes(), kept.key.options()), value = at::zeros_like(key);
  attend_backward(attention, slope, {query, key, value});
  const int64_t past = b.past_key.size(1);
  own_key.copy_(key.narrow(1, past, b.tokens()));
  own_value.copy_(value.narrow(1, past, b.tokens()));
  return {qkv, key.narrow(1, 0, past), value.narrow(1, 0, past)};
}

struct ProjectionSlopes {
  at::Tensor x, weight, bias;
  NormSlope norm;
};

ProjectionSlopes project_backward(const Block& b, const Kept& kept, const at::Tensor& qkv) {
  const at::Tensor x = rows(b.x), normed = at::empty_like(x), dx = at::empty_like(x);
  const int64_t tokens = x.size(0), run = run_length(tokens);
  PartialSums sums(x, runs_of(x, tokens), b.width(), 3 * b.width());
  const Weight by_qkv(b.qkv.weight, tokens, true);
  over_tokens(x, tokens, run, [&](int64_t first, int64_t count) {
    const auto part = [&](const at::Tensor& all) { return all.narrow(0, first, count); };
    part(normed).copy_(std::get<0>(normalize(part(x), b.attention_norm)));
    sums.linear.select(0, first / run).copy_(at::sum(part(qkv), {0}));
    const at::Tensor slope = at::empty({count, b.width()}, x.options());
    by_qkv.times(slope, part(qkv));
    part(dx).copy_(norm_backward(
        slope, part(x), b.attention_norm, part(kept.mean), part(kept.deviation), sums, first / run));
  });
  return {dx, product(qkv.t(), normed), b.qkv.bias.defined() ? at::sum(sums.linear, {0}) : at::Tensor(),
          norm_slope(b.attention_norm, sums)};
}

/** d of every input but the mask, in their order, empty where there was none. */
void block_grad(Call& call) {
  const at::Tensor slope = call.tensor(), key_slope = call.maybe_tensor(), value_slope = call.maybe_tensor();
  Kept kept;
  const Block b = read_kept(call, kept);
  const at::Tensor dy = slope.contiguous().view({-1, b.width()});
  const ForwardSlopes forward = feed_forward_backward(b, kept, dy);
  const AttentionSlopes mixing = mix_backward(b, kept, forward.mixed);
  if (key_slope.defined()) part_of(mixing.qkv, b, 1).add_(key_slope);
  if (value_slope.defined()) part_of(mixing.qkv, b, 2).add_(value_slope);
  const ProjectionSlopes input = project_backward(b, kept, mixing.qkv);
  at::Tensor dx = input.x.view(b.x.sizes());
  dx.narrow(1, b.first_target(), b.targets).add_(forward.attended.view({b.batch(), b.targets, b.width()}));
  const at::Tensor none = at::empty({0}, b.x.options());
  const std::initializer_list<at::Tensor> slopes = {
      dx, mixing.past_key, mixing.past_value, input.norm.gain, input.norm.bias, input.weight, input.bias,
      forward.output.weight, forward.output.bias, forward.output.gate, forward.norm.gain, forward.norm.bias,
      forward.up_weight, forward.up_bias, forward.down.weight, forward.down.bias, forward.down.gate};
  for (const at::Tensor& x : slopes) call.give(x.defined() ? x : none);
}

}  // namespace

void add_blocks(Operations& operations) {
  const Operation table[] = {{"block", block}, {"block_grad", block_grad}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
