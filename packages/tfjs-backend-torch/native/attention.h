// Scaled dot-product attention over [batch, token, head, width].
#pragma once

#include <utility>

#include "prelude.h"

namespace thinkrl {

/** What to attend with: query [B, T, H, D]; key, value [B, S, G, D] with G dividing H; mask broadcast to [B, H, T, S]. */
struct Attention {
  at::Tensor query, key, value, mask;
  double scale;
  bool causal;
  int64_t batch, targets, heads, width, sources, groups, value_width;

  /** Checks that the shapes fit each other. */
  Attention(at::Tensor query, at::Tensor key, at::Tensor value, at::Tensor mask, double scale, bool causal);

  int64_t key_head(int64_t head) const { return head * groups / heads; }
  /** Sources that target rows before `end` may look at: a causal row t sees s <= t + sources - targets. */
  int64_t visible(int64_t end) const {
    return causal ? std::max<int64_t>(0, std::min(sources, end + sources - targets)) : sources;
  }
};

/** The output [B, T, H, D] and the log-sums of the scores [B, H, T] that the backward pass starts from. */
std::pair<at::Tensor, at::Tensor> attend(const Attention& attention);

/** What the backward pass needs of the forward pass: d(output), output, log-sums. */
struct AttentionSlope {
  at::Tensor grad, out, log_sums;
};

struct AttentionGradients {
  at::Tensor query, key, value;
};

/** Writes d(query) and adds d(key), d(value) to tensors of any strides whose last one is 1. */
void attend_backward(const Attention& attention, const AttentionSlope& slope, const AttentionGradients& into);

}  // namespace thinkrl
