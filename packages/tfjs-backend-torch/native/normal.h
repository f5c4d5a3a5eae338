// Box-Muller on eight pairs of random words at a time, within 2e-7 of the exact value per unit of radius.
#pragma once

#include "vector.h"

namespace thinkrl {

typedef uint32_t LaneWords __attribute__((vector_size(32)));

/** Eight normals from the cosines of eight angles and eight more from the sines. */
struct NormalPairs {
  Lanes cosines, sines;
};

template <typename To, typename From>
inline To bits_of(From lanes) {
  To bits;
  std::memcpy(&bits, &lanes, sizeof bits);
  return bits;
}

/** log(2^exponent (1 + r)) for 1 + r in [sqrt(1/2), sqrt(2)]: the series of 2 atanh(r / (2 + r)). */
inline Lanes logarithm(Lanes exponent, Lanes r) {
  const Lanes s = r / (r + 2.0f), square = s * s;
  const Lanes series = (((square / 9.0f + 1.0f / 7.0f) * square + 1.0f / 5.0f) * square + 1.0f / 3.0f) * square;
  return exponent * 0.693147181f + 2.0f * (s * series + s);
}

/**
 * log((word + 1/2) / 2^32). Of word and its complement the smaller becomes a float, so that a word near 2^32, whose
 * logarithm is close to 0, keeps its digits.
 */
inline Lanes log_of_unit(LaneWords word) {
  const LaneBits upper = word >= 0x80000000u;
  const LaneBits smaller = bits_of<LaneBits>(word) ^ upper;
  const Lanes t = (__builtin_convertvector(smaller, Lanes) + 0.5f) * 0x1p-32f;
  // word in the lower half: log t, from the bits of t
  const LaneBits bits = bits_of<LaneBits>(t);
  const Lanes half = bits_of<Lanes>((bits & 0x007FFFFF) | 0x3F000000);
  const LaneBits small = half < 0.707106781f;
  const Lanes low_r = (small ? half + half : half) - 1.0f;
  const LaneBits low_exponent = (bits >> 23) - 126 + small;
  // in the upper half: log(1 - t)
  const LaneBits far = t > 0.292893219f;
  const Lanes high_r = far ? 1.0f - (t + t) : -t;
  return logarithm(__builtin_convertvector(upper ? far : low_exponent, Lanes), upper ? high_r : low_r);
}

inline Lanes square_root(Lanes x) {
  float values[kLanes];
  store(values, x);
  for (float& value : values) value = std::sqrt(value);
  return load(values);
}

/** Cosine and sine of 2 pi word / 2^32: Taylor series within an eighth of a turn of the nearest quarter. */
inline NormalPairs on_circle(LaneWords word) {
  const LaneWords quarter = (word + (1u << 29)) >> 30;
  const Lanes x = __builtin_convertvector(bits_of<LaneBits>(word - (quarter << 30)), Lanes) * 1.46291808e-9f;
  const Lanes square = x * x;
  Lanes sine = ((square / 362880.0f - 1.0f / 5040.0f) * square + 1.0f / 120.0f) * square - 1.0f / 6.0f;
  sine = sine * square * x + x;
  Lanes cosine = ((square / -3628800.0f + 1.0f / 40320.0f) * square - 1.0f / 720.0f) * square + 1.0f / 24.0f;
  cosine = (cosine * square - 0.5f) * square + 1.0f;
  const LaneBits swapped = (quarter & 1u) == 1u;
  const LaneWords cosine_sign = ((quarter + 1u) & 2u) << 30, sine_sign = (quarter & 2u) << 30;
  return {bits_of<Lanes>(bits_of<LaneWords>(swapped ? sine : cosine) ^ cosine_sign),
          bits_of<Lanes>(bits_of<LaneWords>(swapped ? cosine : sine) ^ sine_sign)};
}

/** The normals of eight pairs: `sqrt(-2 log u)` times cosine and sine of the angle. */
inline NormalPairs box_muller(LaneWords radius_words, LaneWords angle_words) {
  const Lanes radius = square_root(-2.0f * log_of_unit(radius_words));
  const NormalPairs circle = on_circle(angle_words);
  return {radius * circle.cosines, radius * circle.sines};
}

}  // namespace thinkrl
