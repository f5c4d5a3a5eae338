#include "flash.h"

// The signatures below are those of 2.9 and later; before that GPUs take the composed path.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 9)
#define THINKRL_FLASH
#include <ATen/SDPBackend.h>
#endif

namespace thinkrl {

#ifdef THINKRL_FLASH
namespace {

using at::SDPBackend;

/** Keys or values with heads before tokens; under a mask as many heads as queries have, which its kernel asks for. */
at::Tensor heads_first(const at::Tensor& x, const Attention& p) {
  const at::Tensor y = x.transpose(1, 2);
  return p.mask.defined() && p.groups != p.heads ? y.repeat_interleave(p.heads / p.groups, 1) : y;
}

/** libtorch's view of the inputs: heads before tokens. */
struct HeadsFirst {
  at::Tensor query, key, value;

  explicit HeadsFirst(const Attention& p)
      : query(p.query.transpose(1, 2)), key(heads_first(p.key, p)), value(heads_first(p.value, p)) {}
};

/** A mask as the memory-efficient kernel takes it. */
struct Visibility {
  /** Added to the scores, [B, H, T, S] in the type of the queries: large and negative where a target may not look. */
  at::Tensor bias;
  /** [B or 1, H or 1, T, 1]: targets that may see nothing, for which such a bias would mean everything. */
  at::Tensor blind;
};

/** The kernel reads whole stretches of a row. */
constexpr int64_t kRowAlignment = 16;

/** The mask without copies for batch entries and heads that share it. */
at::Tensor unspread(at::Tensor mask) {
  for (int64_t axis = 0; axis < 2; ++axis) {
    if (mask.stride(axis) == 0) mask = mask.narrow(axis, 0, 1);
  }
  return mask;
}

Visibility visibility_of(const Attention& p) {
  const at::Tensor mask = unspread(p.mask);
  const bool bits = mask.scalar_type() == at::kBool;
  at::Tensor allowed = bits ? mask : at::ne(mask, -std::numeric_limits<double>::infinity());
  if (p.causal) {
    const at::Tensor seen = at::ones({p.targets, p.sources}, allowed.options());
    allowed = at::logical_and(allowed, at::tril(seen, p.sources - p.targets));
  }
  const at::Tensor hidden = at::logical_not(allowed);
  const double never = p.query.scalar_type() == at::kHalf ? -3e4 : -1e30;
  at::Tensor bias = bits ? at::zeros(hidden.sizes(), p.query.options()) : mask;
  bias = at::masked_fill(bias, hidden, never);
  const int64_t rest = p.sources % kRowAlignment;
  if (rest > 0) bias = at::constant_pad_nd(bias, {0, kRowAlignment - rest}).narrow(-1, 0, p.sources);
  return {bias.expand({p.batch, p.heads, p.targets, p.sources}), at::all(hidden, -1, true)};
}

bool is_fused(SDPBackend backend) {
  return backend == SDPBackend::flash_attention || backend == SDPBackend::cudnn_attention ||
      backend == SDPBackend::efficient_attention;
}

/** What libtorch itself would take for these inputs on this GPU; under a mask the memory-efficient kernel or none. */
SDPBackend choice(const Attention& p, const HeadsFirst& x) {
  const bool masked = p.mask.defined(), grouped = p.groups != p.heads && !masked;
  const at::Tensor bias =
      masked ? at::zeros({1}, p.query.options()).expand({p.batch, p.heads, p.targets, p.sources}) : at::Tensor();
  const auto chosen = static_cast<SDPBackend>(at::_fused_sdp_choice(
      x.query, x.key, x.value, maybe(bias), 0.0, p.causal && !masked, p.scale, grouped));
  return masked && is_fused(chosen) ? SDPBackend::efficient_attention : chosen;
}

std::pair<at::Tensor, at::Tensor> masked_attend(const Attention& p, const HeadsFirst& x) {
  const Visibility seen = visibility_of(p);
  const auto [out, sums, seed, offset] = at::_scaled_dot_product_efficient_attention(
      x.query, x.key, x.value, seen.bias, true, 0.0, false, p.scale);
  return {at::masked_fill(out, seen.blind, 0).transpose(1, 2).contiguous(), sums};
}

/** d(key) or d(value) of keys that were repeated for the heads that share them. */
at::Tensor folded(const at::Tensor& x, const Attention& p) {
  if (x.size(1) == p.groups) return x;
  return at::sum(x.reshape({p.batch, p.groups, p.heads / p.groups, x.size(2), x.size(3)}), {2});
}

using Slopes = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

Slopes backward_of(SDPBackend backend, const Attention& p, const HeadsFirst& x, const AttentionSlope& slope) {
  const at::Tensor grad = slope.grad.transpose(1, 2), out = slope.out.transpose(1, 2), none;
  const at::Tensor seed = at::zeros({}, x.query.options().dtype(at::kLong));  // of the dropout, which there is none of
  if (p.mask.defined()) {
    const Visibility seen = visibility_of(p);
    const auto [query, key, value, bias] = at::_scaled_dot_product_efficient_attention_backward(
        at::masked_fill(grad, seen.blind, 0), x.query, x.key, x.value, seen.bias, out, slope.log_sums, seed, seed, 0.0,
        {true, true, true, false}, false, p.scale);
    return {query, folded(key, p), folded(value, p)};
  }
  if (backend == SDPBackend::flash_attention) {
    return at::_scaled_dot_product_flash_attention_backward(
        grad, x.query, x.key, x.value, out, slope.log_sums, none, none, p.targets, p.sources, 0.0, p.causal, seed, seed,
        p.scale);
  }
  if (backend == SDPBackend::cudnn_attention) {
    return at::_scaled_dot_product_cudnn_attention_backward(
        grad, x.query, x.key, x.value, out, slope.log_sums, seed, seed, none, none, none, p.targets, p.sources, 0.0,
        p.causal, p.scale);
  }
  const auto [query, key, value, bias] = at::_scaled_dot_product_efficient_attention_backward(
      grad, x.query, x.key, x.value, none, out, slope.log_sums, seed, seed, 0.0, {true, true, true, false}, p.causal,
      p.scale);
  return {query, key, value};
}

}  // namespace

bool flash_fits(const Attention& p) {
  // libtorch counts a causal row from the first source, we from the last: the same only where there are as many.
  const bool masked = p.mask.defined();
  if (!p.query.is_cuda() || p.query.numel() == 0 || (p.causal && !masked && p.targets != p.sources)) return false;
  const auto type = p.query.scalar_type();
  if (p.key.scalar_type() != type || p.value.scalar_type() != type) return false;
  // An added mask would lose digits in the storage of the queries.
  if (masked && p.mask.scalar_type() != at::kBool && p.mask.scalar_type() != type) return false;
  return is_fused(choice(p, HeadsFirst(p)));
}

std::pair<at::Tensor, at::Tensor> flash_attend(const Attention& p) {
  const HeadsFirst x(p);
  if (p.mask.defined()) return masked_attend(p, x);
  const SDPBackend backend = choice(p, x);
  at::Tensor out, sums;
  if (backend == SDPBackend::flash_attention) {
    const auto result = at::_scaled_dot_product_flash_attention(x.query, x.key, x.value, 0.0, p.causal, false, p.scale);
    std::tie(out, sums) = std::tie(std::get<0>(result), std::get<1>(result));
  } else if (backend == SDPBackend::cudnn_attention) {
    const auto result = at::_scaled_dot_product_cudnn_attention(
        x.query, x.key, x.value, nullopt, true, 0.0, p.causal, false, p.scale);
    std::tie(out, sums) = std::tie(std::get<0>(result), std::get<1>(result));
  } else {
    const auto result =
        at::_scaled_dot_product_efficient_attention(x.query, x.key, x.value, nullopt, true, 0.0, p.causal, p.scale);
    std::tie(out, sums) = std::tie(std::get<0>(result), std::get<1>(result));
  }
  return {out.transpose(1, 2).contiguous(), sums};
}

void flash_backward(const Attention& p, const AttentionSlope& slope, const AttentionGradients& into) {
  const HeadsFirst x(p);
  const auto [query, key, value] = backward_of(choice(p, x), p, x, slope);
  into.query.copy_(query.transpose(1, 2));
  into.key.add_(key.transpose(1, 2));
  into.value.add_(value.transpose(1, 2));
}

#else

bool flash_fits(const Attention&) { return false; }

std::pair<at::Tensor, at::Tensor> flash_attend(const Attention&) { TORCH_CHECK(false, "no flash attention here"); }

void flash_backward(const Attention&, const AttentionSlope&, const AttentionGradients&) {}

#endif

}  // namespace thinkrl
