#include "gemm.h"

#include <algorithm>
#include <vector>

#include "vector.h"

namespace thinkrl {
namespace {

constexpr int64_t kRows = 6;
constexpr int64_t kColumns = 16;
constexpr int64_t kDepthBlock = 256;
constexpr int64_t kRowBlock = 96;
constexpr int64_t kColumnBlock = 512;

/** One panel of 16 columns: panel[p * 16 + j]. */
void pack_columns(const Matrix& b, int64_t depth, int64_t width, float* panel) {
  if (width == kColumns && b.column == 1) {
    for (int64_t p = 0; p < depth; ++p) std::memcpy(panel + p * kColumns, b.data + p * b.row, kColumns * sizeof(float));
    return;
  }
  for (int64_t p = 0; p < depth; ++p) {
    for (int64_t j = 0; j < kColumns; ++j) {
      panel[p * kColumns + j] = j < width ? b.data[p * b.row + j * b.column] : 0.0f;
    }
  }
}

/** One panel of 6 rows: panel[p * 6 + i]. */
void pack_rows(const Matrix& a, int64_t height, int64_t depth, float* panel) {
  for (int64_t i = 0; i < kRows; ++i) {
    const float* from = a.data + i * a.row;
    for (int64_t p = 0; p < depth; ++p) panel[p * kRows + i] = i < height ? from[p * a.column] : 0.0f;
  }
}

struct Tile {
  int64_t height, width;
  float alpha;
  bool accumulate;
};

void multiply_tile(const float* rows, const float* columns, int64_t depth, float* c, int64_t ldc, const Tile& tile) {
  Lanes sum[kRows][2] = {};
  for (int64_t p = 0; p < depth; ++p) {
    const Lanes left = load(columns + p * kColumns);
    const Lanes right = load(columns + p * kColumns + kLanes);
#pragma GCC unroll 6
    for (int64_t i = 0; i < kRows; ++i) {
      const Lanes value = broadcast(rows[p * kRows + i]);
      sum[i][0] += value * left;
      sum[i][1] += value * right;
    }
  }
  if (tile.width == kColumns) {
#pragma GCC unroll 6
    for (int64_t i = 0; i < kRows; ++i) {
      if (i >= tile.height) break;
      float* row = c + i * ldc;
      Lanes left = sum[i][0] * tile.alpha, right = sum[i][1] * tile.alpha;
      if (tile.accumulate) {
        left += load(row);
        right += load(row + kLanes);
      }
      store(row, left);
      store(row + kLanes, right);
    }
    return;
  }
  float edge[kRows][kColumns];
#pragma GCC unroll 6
  for (int64_t i = 0; i < kRows; ++i) {
    store(edge[i], sum[i][0] * tile.alpha);
    store(edge[i] + kLanes, sum[i][1] * tile.alpha);
  }
  for (int64_t i = 0; i < tile.height; ++i) {
    for (int64_t j = 0; j < tile.width; ++j) {
      float& cell = c[i * ldc + j];
      cell = tile.accumulate ? cell + edge[i][j] : edge[i][j];
    }
  }
}

float* scratch(int which, size_t length) {
  thread_local std::vector<float> buffers[2];
  if (buffers[which].size() < length) buffers[which].resize(length);
  return buffers[which].data();
}

void multiply_block(const Extent& e, float alpha, Matrix a, Matrix b, float* c, int64_t ldc, bool accumulate) {
  const int64_t panels = (e.n + kColumns - 1) / kColumns;
  float* columns = scratch(0, panels * kColumns * e.k);
  for (int64_t q = 0; q < panels; ++q) {
    const Matrix part{b.data + q * kColumns * b.column, b.row, b.column};
    pack_columns(part, e.k, std::min(kColumns, e.n - q * kColumns), columns + q * kColumns * e.k);
  }
  float* rows = scratch(1, kRowBlock * e.k);
  for (int64_t first = 0; first < e.m; first += kRowBlock) {
    const int64_t last = std::min(e.m, first + kRowBlock);
    for (int64_t i = first; i < last; i += kRows) {
      const Matrix part{a.data + i * a.row, a.row, a.column};
      pack_rows(part, std::min(kRows, last - i), e.k, rows + (i - first) * e.k);
    }
    for (int64_t q = 0; q < panels; ++q) {
      const int64_t width = std::min(kColumns, e.n - q * kColumns);
      for (int64_t i = first; i < last; i += kRows) {
        const Tile tile{std::min(kRows, last - i), width, alpha, accumulate};
        multiply_tile(
            rows + (i - first) * e.k, columns + q * kColumns * e.k, e.k, c + i * ldc + q * kColumns, ldc, tile);
      }
    }
  }
}

/** One row times a matrix: too little work to pack for. */
void multiply_row(int64_t n, int64_t k, float alpha, const float* a, int64_t step, Matrix b, float* c, bool accumulate) {
  if (!accumulate) std::fill(c, c + n, 0.0f);
  if (b.column == 1) {
    for (int64_t p = 0; p < k; ++p) {
      const float value = alpha * a[p * step];
      const float* row = b.data + p * b.row;
      for (int64_t j = 0; j < n; ++j) c[j] += value * row[j];
    }
    return;
  }
  for (int64_t j = 0; j < n; ++j) {
    const float* column = b.data + j * b.column;
    if (b.row == 1 && step == 1) {
      c[j] += alpha * row_dot(a, column, k);
      continue;
    }
    float sum = 0;
    for (int64_t p = 0; p < k; ++p) sum += a[p * step] * column[p * b.row];
    c[j] += alpha * sum;
  }
}

}  // namespace

void gemm(const Extent& extent, float alpha, Matrix a, Matrix b, float* c, int64_t ldc, bool accumulate) {
  if (extent.m <= 2) {
    for (int64_t i = 0; i < extent.m; ++i) {
      multiply_row(extent.n, extent.k, alpha, a.data + i * a.row, a.column, b, c + i * ldc, accumulate);
    }
    return;
  }
  if (extent.k == 0 && !accumulate) {
    for (int64_t i = 0; i < extent.m; ++i) std::fill(c + i * ldc, c + i * ldc + extent.n, 0.0f);
  }
  for (int64_t p = 0; p < extent.k; p += kDepthBlock) {
    const int64_t depth = std::min(kDepthBlock, extent.k - p);
    const Matrix left{a.data + p * a.column, a.row, a.column};
    for (int64_t j = 0; j < extent.n; j += kColumnBlock) {
      const Matrix right{b.data + p * b.row + j * b.column, b.row, b.column};
      const Extent block{extent.m, std::min(kColumnBlock, extent.n - j), depth};
      multiply_block(block, alpha, left, right, c + j, ldc, accumulate || p > 0);
    }
  }
}

}  // namespace thinkrl
