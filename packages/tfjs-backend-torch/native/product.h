// Matrix products over libtorch's threads.
#pragma once

#include "gemm.h"
#include "prelude.h"

namespace thinkrl {

/** Multiplications and additions that are worth waking a thread for. */
constexpr int64_t kWorthAThread = int64_t{1} << 18;

/** How many units of so much work a thread takes at least. */
inline int64_t grain_of(int64_t work) { return std::max<int64_t>(1, kWorthAThread / std::max<int64_t>(1, work)); }

/**
 * out = a b (+ bias for every row), a [m, k], b [k, n], out [m, n] with unit column stride. On a CPU the larger side of
 * `out` is shared out over libtorch's threads, each asking BLAS for its part: BLAS is held to one thread, because a
 * second pool of waiting threads would fight the first for the cores. Inside a parallel loop it runs where it is called.
 */
void product_into(at::Tensor out, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {});

/** The same as a new tensor. */
at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {});

/**
 * A weight [outputs, inputs] that many runs of tokens are multiplied by: laid out once where that pays, else left to
 * libtorch's product. `times` may be called by many threads.
 */
class Weight {
 public:
  /** For x weight^T (`across` false) or for x weight (`across` true), x of `tokens` rows in all. */
  Weight(const at::Tensor& weight, int64_t tokens, bool across = false);
  /** out = x weight^T + start + bias, where there is a start or a bias. */
  void times(at::Tensor out, const at::Tensor& x, const at::Tensor& start = {}, const at::Tensor& bias = {}) const;

 private:
  at::Tensor matrix_;
  Packed packed_;
  bool is_packed_ = false;
};

}  // namespace thinkrl
