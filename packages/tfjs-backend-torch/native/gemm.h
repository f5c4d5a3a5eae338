// Single-threaded float matrix product for many small or strided matrices, to be called inside a parallel loop.
#pragma once

#include <cstdint>
#include <vector>

namespace thinkrl {

/** Whether tiles are 512 bits wide: narrower ones are slower than a good BLAS on large products. */
#ifdef __AVX512F__
constexpr bool kWideTiles = true;
#else
constexpr bool kWideTiles = false;
#endif

/** A read-only matrix: element (i, j) is data[i * row + j * column]. */
struct Matrix {
  const float* data;
  int64_t row;
  int64_t column;

  Matrix transposed() const { return {data, column, row}; }
};

struct Extent {
  int64_t m, n, k;
};

/** A matrix [k, n] laid out for `multiply`: blocks of depth, panels of columns. Worth making once for many rows. */
class Packed {
 public:
  void pack(Matrix b, int64_t k, int64_t n);
  /** Panel number `q` for the depths from `p` on, a multiple of the block of depth. */
  const float* panel(int64_t p, int64_t q) const;

 private:
  std::vector<float> cells_;
  int64_t depth_ = 0;
  int64_t panels_ = 0;
};

/** Where a product goes: row i starts at data + i * stride. */
struct Target {
  float* data;
  int64_t stride;
  bool accumulate;
};

/** c = alpha a b (+ c), a [m, k]; b may have been packed with more rows or columns than are used here. */
void multiply(const Extent& extent, float alpha, Matrix a, const Packed& b, const Target& c);

/** The same with a b that is used once. */
void gemm(const Extent& extent, float alpha, Matrix a, Matrix b, const Target& c);

}  // namespace thinkrl
