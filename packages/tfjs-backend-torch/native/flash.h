// Attention by libtorch's fused kernels for GPUs: flash, cuDNN's and the memory-efficient one.
#pragma once

#include "attention.h"

namespace thinkrl {

/** Whether one of them computes this; the backward pass comes to the same answer as the forward pass. */
bool flash_fits(const Attention& attention);
/** As `attend`; the log-sums are for `flash_backward` alone. */
std::pair<at::Tensor, at::Tensor> flash_attend(const Attention& attention);
/** As `attend_backward`. */
void flash_backward(const Attention& attention, const AttentionSlope& slope, const AttentionGradients& into);

}  // namespace thinkrl
