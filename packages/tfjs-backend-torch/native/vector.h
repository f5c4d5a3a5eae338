// Eight floats at a time with the compiler's own vector types: any CPU, no intrinsics.
#pragma once

#include <cstdint>
#include <cstring>

namespace thinkrl {

constexpr int64_t kLanes = 8;
typedef float Lanes __attribute__((vector_size(32)));
typedef int32_t LaneBits __attribute__((vector_size(32)));

inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

inline void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof lanes); }

inline Lanes broadcast(float value) { return Lanes{} + value; }

inline float total(Lanes v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

inline Lanes larger(Lanes a, Lanes b) { return a < b ? b : a; }

inline float largest(Lanes v) {
  float best = v[0];
  for (int i = 1; i < kLanes; ++i) best = best < v[i] ? v[i] : best;
  return best;
}

/** e^x within 2 ulp; 0 below -87.3, NaN stays NaN. */
inline Lanes exponential(Lanes x) {
  const Lanes low = broadcast(-87.3f), high = broadcast(88.3f);
  const LaneBits vanishes = x < low;
  const Lanes bounded = vanishes ? low : (x > high ? high : x);
  const Lanes magic = broadcast(12582912.0f);
  const Lanes shifted = bounded * 1.44269504f + magic;
  const Lanes power = shifted - magic;
  const Lanes rest = (bounded - power * 0.693359375f) + power * 2.12194440e-4f;
  Lanes y = rest * 1.9875691500e-4f + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * rest * rest + rest + 1.0f;
  LaneBits bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const LaneBits exponent = (bits - 0x4B400000 + 127) << 23;
  Lanes scale;
  std::memcpy(&scale, &exponent, sizeof scale);
  return vanishes ? Lanes{} : y * scale;
}

/** Up to seven trailing floats, filled up with `rest`. */
inline Lanes load_tail(const float* from, int64_t count, float rest) {
  Lanes lanes = broadcast(rest);
  std::memcpy(&lanes, from, count * sizeof(float));
  return lanes;
}

inline void store_tail(float* to, Lanes lanes, int64_t count) { std::memcpy(to, &lanes, count * sizeof(float)); }

/** The largest of a row; -infinity of an empty one. */
inline float row_largest(const float* row, int64_t length) {
  const float worst = -__builtin_inff();
  Lanes best = broadcast(worst);
  int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) best = larger(best, load(row + i));
  if (i < length) best = larger(best, load_tail(row + i, length - i, worst));
  return largest(best);
}

/** Replaces a row by e^(row - shift) and returns its sum. */
inline float row_exponential(float* row, int64_t length, float shift) {
  Lanes sum{};
  int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    const Lanes y = exponential(load(row + i) - shift);
    store(row + i, y);
    sum += y;
  }
  if (i < length) {
    const Lanes y = exponential(load_tail(row + i, length - i, -__builtin_inff()) - shift);
    store_tail(row + i, y, length - i);
    sum += y;
  }
  return total(sum);
}

inline float row_dot(const float* a, const float* b, int64_t length) {
  Lanes sum{};
  int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) sum += load(a + i) * load(b + i);
  float result = total(sum);
  for (; i < length; ++i) result += a[i] * b[i];
  return result;
}

}  // namespace thinkrl
