// Everything the families share; precompiled once by the build.
#ifndef THINKRL_PRELUDE_H
#define THINKRL_PRELUDE_H

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace thinkrl {

// Before 2.x libtorch had an optional of its own; its name is gone from the newest.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
using std::nullopt;
using std::optional;
#else
using c10::nullopt;
using c10::optional;
#endif

/** A tensor that may be undefined, as libtorch's functions take it. */
inline optional<at::Tensor> maybe(const at::Tensor& x) { return x.defined() ? optional<at::Tensor>(x) : nullopt; }

/** What our own loops over float32 on a CPU take. */
inline bool plain_floats(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

}  // namespace thinkrl

#endif
