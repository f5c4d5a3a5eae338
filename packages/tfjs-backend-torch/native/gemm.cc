#include "gemm.h"

#include <algorithm>

#include "vector.h"

namespace thinkrl {
namespace {

// A tile of sums is as large as the registers hold: 16 of 32 wide ones, or 12 of 16.
#ifdef __AVX512F__
constexpr int64_t kRows = 8, kWide = 16;
#else
constexpr int64_t kRows = 6, kWide = 8;
#endif
constexpr int64_t kColumns = 2 * kWide;
constexpr int64_t kDepth = 512;
typedef float Wide __attribute__((vector_size(4 * kWide)));

Wide load_wide(const float* from) {
  Wide lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

void store_wide(float* to, Wide lanes) { std::memcpy(to, &lanes, sizeof lanes); }

/** panel[p * kColumns + j], filled up with zeros beyond `width` columns. */
void pack_panel(const Matrix& b, int64_t depth, int64_t width, float* panel) {
  if (width == kColumns && b.column == 1) {
    for (int64_t p = 0; p < depth; ++p) std::memcpy(panel + p * kColumns, b.data + p * b.row, kColumns * sizeof(float));
    return;
  }
  for (int64_t j = 0; j < kColumns; ++j) {
    const float* from = b.data + j * b.column;
    for (int64_t p = 0; p < depth; ++p) panel[p * kColumns + j] = j < width ? from[p * b.row] : 0.0f;
  }
}

struct Tile {
  int64_t height, width;
  float alpha;
  bool accumulate;
};

void store_full(const Wide (&sum)[kRows][2], float* c, int64_t stride, const Tile& tile) {
#pragma GCC unroll 8
  for (int64_t i = 0; i < kRows; ++i) {
    if (i >= tile.height) break;
    float* row = c + i * stride;
    Wide left = sum[i][0] * tile.alpha, right = sum[i][1] * tile.alpha;
    if (tile.accumulate) {
      left += load_wide(row);
      right += load_wide(row + kWide);
    }
    store_wide(row, left);
    store_wide(row + kWide, right);
  }
}

void store_edge(const Wide (&sum)[kRows][2], float* c, int64_t stride, const Tile& tile) {
  float cells[kRows][kColumns];
#pragma GCC unroll 8
  for (int64_t i = 0; i < kRows; ++i) {
    store_wide(cells[i], sum[i][0] * tile.alpha);
    store_wide(cells[i] + kWide, sum[i][1] * tile.alpha);
  }
  for (int64_t i = 0; i < tile.height; ++i) {
    for (int64_t j = 0; j < tile.width; ++j) {
      float& cell = c[i * stride + j];
      cell = tile.accumulate ? cell + cells[i][j] : cells[i][j];
    }
  }
}

/** Some rows of a times one panel; rows beyond the tile's height repeat its last one and are not stored. */
template <bool kUnitColumn>
void multiply_tile(const Matrix& a, const float* panel, int64_t depth, const Target& c, const Tile& tile) {
  const float* rows[kRows];
  for (int64_t i = 0; i < kRows; ++i) rows[i] = a.data + std::min(i, tile.height - 1) * a.row;
  const int64_t step = kUnitColumn ? 1 : a.column;
  Wide sum[kRows][2] = {};
  for (int64_t p = 0; p < depth; ++p) {
    const Wide left = load_wide(panel + p * kColumns);
    const Wide right = load_wide(panel + p * kColumns + kWide);
#pragma GCC unroll 8
    for (int64_t i = 0; i < kRows; ++i) {
      const Wide value = Wide{} + rows[i][p * step];
      sum[i][0] += value * left;
      sum[i][1] += value * right;
    }
  }
  if (tile.width == kColumns) {
    store_full(sum, c.data, c.stride, tile);
  } else {
    store_edge(sum, c.data, c.stride, tile);
  }
}

/** One row times a matrix: too little work to pack for. */
void multiply_row(const Extent& e, float alpha, const Matrix& a, const Matrix& b, const Target& c) {
  if (!c.accumulate) std::fill(c.data, c.data + e.n, 0.0f);
  if (b.column == 1) {
    for (int64_t p = 0; p < e.k; ++p) {
      const float value = alpha * a.data[p * a.column];
      const float* row = b.data + p * b.row;
      for (int64_t j = 0; j < e.n; ++j) c.data[j] += value * row[j];
    }
    return;
  }
  for (int64_t j = 0; j < e.n; ++j) {
    const float* column = b.data + j * b.column;
    float sum = 0;
    if (b.row == 1 && a.column == 1) {
      sum = row_dot(a.data, column, e.k);
    } else {
      for (int64_t p = 0; p < e.k; ++p) sum += a.data[p * a.column] * column[p * b.row];
    }
    c.data[j] += alpha * sum;
  }
}

}  // namespace

void Packed::pack(Matrix b, int64_t k, int64_t n) {
  depth_ = k;
  panels_ = (n + kColumns - 1) / kColumns;
  const size_t length = static_cast<size_t>(depth_ * panels_ * kColumns);
  if (cells_.size() < length) cells_.resize(length);
  for (int64_t p = 0; p < k; p += kDepth) {
    for (int64_t q = 0; q < panels_; ++q) {
      const Matrix part{b.data + p * b.row + q * kColumns * b.column, b.row, b.column};
      const int64_t width = std::min(kColumns, n - q * kColumns);
      pack_panel(part, std::min(kDepth, k - p), width, const_cast<float*>(panel(p, q)));
    }
  }
}

const float* Packed::panel(int64_t p, int64_t q) const {
  const int64_t depth = std::min(kDepth, depth_ - p);
  return cells_.data() + p * panels_ * kColumns + q * depth * kColumns;
}

void multiply(const Extent& e, float alpha, Matrix a, const Packed& b, const Target& c) {
  if (e.k == 0 && !c.accumulate) {
    for (int64_t i = 0; i < e.m; ++i) std::fill(c.data + i * c.stride, c.data + i * c.stride + e.n, 0.0f);
  }
  for (int64_t p = 0; p < e.k; p += kDepth) {
    const int64_t depth = std::min(kDepth, e.k - p);
    for (int64_t j = 0; j < e.n; j += kColumns) {
      const float* panel = b.panel(p, j / kColumns);
      for (int64_t i = 0; i < e.m; i += kRows) {
        const Tile tile{std::min(kRows, e.m - i), std::min(kColumns, e.n - j), alpha, c.accumulate || p > 0};
        const Matrix rows{a.data + i * a.row + p * a.column, a.row, a.column};
        const Target corner{c.data + i * c.stride + j, c.stride, tile.accumulate};
        (a.column == 1 ? multiply_tile<true> : multiply_tile<false>)(rows, panel, depth, corner, tile);
      }
    }
  }
}

void gemm(const Extent& e, float alpha, Matrix a, Matrix b, const Target& c) {
  if (e.m <= 2) {
    for (int64_t i = 0; i < e.m; ++i) {
      const Matrix row{a.data + i * a.row, a.row, a.column};
      multiply_row(e, alpha, row, b, {c.data + i * c.stride, c.stride, c.accumulate});
    }
    return;
  }
  thread_local Packed packed;
  packed.pack(b, e.k, e.n);
  multiply(e, alpha, a, packed, c);
}

}  // namespace thinkrl
