const HALF = 32;

/** 32 frequencies from 1000 down to 1, in geometric steps. */
export const TIME_FREQUENCIES: readonly number[] = Array.from(
  { length: HALF },
  (_, i) => 1000 * 1000 ** (-i / (HALF - 1)),
);

/** Numbers that describe one time. */
export const TIME_FEATURES: number = 2 * HALF;

/** Sines, then cosines, of each time at every frequency: `[times * 64]`. */
export function timeFeatures(times: readonly number[]): Float32Array {
  return Float32Array.from(
    times.flatMap((time) => {
      const angles = TIME_FREQUENCIES.map((frequency) => time * frequency);
      return [...angles.map(Math.sin), ...angles.map(Math.cos)];
    }),
  );
}
