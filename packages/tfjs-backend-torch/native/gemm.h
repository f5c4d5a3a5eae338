// Single-threaded float matrix product for many small or strided matrices, to be called inside a parallel loop.
#pragma once

#include <cstdint>

namespace thinkrl {

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

/** c[i * ldc + j] = alpha * (a b)(i, j) + (accumulate ? c : 0), with a [m, k] and b [k, n]. */
void gemm(const Extent& extent, float alpha, Matrix a, Matrix b, float* c, int64_t ldc, bool accumulate);

}  // namespace thinkrl
