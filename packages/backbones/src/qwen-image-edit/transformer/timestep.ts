import { fromBfloat16, toBfloat16 } from '@thinkrl/nn';

const HALF = 128;

/**
 * Sinusoids of noise levels: cosines, then sines, of `1000 sigma` at 128 frequencies from 1 to 1 / 10000, `[levels * 256]`.
 * Rounded to float32 where the released pipeline rounds, which at 1000 rad is seen in the fourth digit.
 */
export function timeFeatures(levels: readonly number[]): Float32Array {
  const features = new Float32Array(levels.length * 2 * HALF);
  levels.forEach((level, row) => {
    for (let j = 0; j < HALF; j++) {
      const exponent = Math.fround(Math.fround(Math.fround(-Math.log(10_000)) * j) / HALF);
      const rate = Math.fround(Math.exp(exponent));
      const angle = Math.fround(1000 * Math.fround(Math.fround(level) * rate));
      features[row * 2 * HALF + j] = Math.cos(angle);
      features[row * 2 * HALF + HALF + j] = Math.sin(angle);
    }
  });
  return features;
}

/** Width of {@link timeFeatures}. */
export const TIME_FEATURES = 2 * HALF;

/**
 * The noise level that a bfloat16 pipeline gives its model: timestep and quotient are rounded, so that 0.93698 becomes
 * 0.9375. Sampling and scoring must do the same.
 */
export function bfloat16Level(sigma: number): number {
  const round = (value: number) => fromBfloat16(toBfloat16(value));
  return round(round(Math.fround(1000 * Math.fround(sigma))) / 1000);
}
