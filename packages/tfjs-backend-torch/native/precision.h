// Which storage an operation computes in and what its results are stored in: the one place that says so.
//
// tfjs knows one floating type, float32. Behind that label a tensor is stored as float32, bfloat16 or float16, and
// only a cast that is asked for (`cast_storage`) changes a tensor's storage.
//
// 1. An operation's storage is that of its floating inputs; where they differ, PyTorch's promotion decides: float32 wins
//    over a half, bfloat16 and float16 meet in float32, and a tensor of rank 0 gives way to the others.
// 2. Results have the operation's storage. Statistics for the backward pass, log-probabilities, entropies and norms are
//    float32 (`Call::give_statistic`), and statistics have no say in rule 1 (`Call::statistic`).
// 3. What only moves values, or changes tensors in place, sees them as they are stored. Everything else reads halves
//    widened to float32, computes there and stores its results as rule 1 says. On an accelerator the operations whose
//    libtorch kernels themselves accumulate in float32 read them as they are, unless storages are mixed.
#pragma once

#include "prelude.h"

namespace thinkrl {

enum class Precision {
  kWide,    // computes in float32
  kNative,  // computes in the storage type on an accelerator, accumulating in float32; in float32 on a CPU
  kAsIs,    // moves values or changes them in place
};

/** The rule for a native operation; one that is not listed is wide. */
Precision precision_of(const char* operation);

inline bool is_half(const at::Tensor& x) {
  const auto type = x.scalar_type();
  return type == at::kBFloat16 || type == at::kHalf;
}

/** Rule 1: the floating storage that `inputs` meet in. */
at::ScalarType common_storage(const std::vector<at::Tensor>& inputs);

}  // namespace thinkrl
