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

/** libtorch's view of the inputs: heads before tokens. */
struct HeadsFirst {
  at::Tensor query, key, value;

  explicit HeadsFirst(const Attention& p)
      : query(p.query.transpose(1, 2)), key(p.key.transpose(1, 2)), value(p.value.transpose(1, 2)) {}
};

/** What libtorch itself would take for these inputs on this GPU. */
SDPBackend choice(const Attention& p, const HeadsFirst& x) {
  const bool grouped = p.groups != p.heads;
  return static_cast<SDPBackend>(
      at::_fused_sdp_choice(x.query, x.key, x.value, nullopt, 0.0, p.causal, p.scale, grouped));
}

using Slopes = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

Slopes backward_of(SDPBackend backend, const Attention& p, const HeadsFirst& x, const AttentionSlope& slope) {
  const at::Tensor grad = slope.grad.transpose(1, 2), out = slope.out.transpose(1, 2), none;
  const at::Tensor seed = at::zeros({}, x.query.options().dtype(at::kLong));  // of the dropout, which there is none of
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
  if (!p.query.is_cuda() || p.mask.defined() || p.query.numel() == 0 || (p.causal && p.targets != p.sources)) return false;
  const auto type = p.query.scalar_type();
  if (p.key.scalar_type() != type || p.value.scalar_type() != type) return false;
  const SDPBackend backend = choice(p, HeadsFirst(p));
  return backend == SDPBackend::flash_attention || backend == SDPBackend::cudnn_attention ||
      backend == SDPBackend::efficient_attention;
}

std::pair<at::Tensor, at::Tensor> flash_attend(const Attention& p) {
  const HeadsFirst x(p);
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
