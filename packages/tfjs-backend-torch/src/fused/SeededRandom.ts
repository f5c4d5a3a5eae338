import { kernel } from '../kernel/config.ts';
import { seedWords } from '../kernel/seed.ts';
import { one, operation } from '../storage.ts';

const normal = operation('seeded_normal');
const uniform = operation('seeded_uniform');

interface NormalAttributes {
  readonly shape: number[];
  readonly seed: number;
  readonly mean?: number;
  readonly std?: number;
}

interface UniformAttributes {
  readonly shape: number[];
  readonly seed: number;
  readonly low?: number;
  readonly high?: number;
}

/** Normal numbers, a function of the seed (an integer below 2^53) alone: same seed, same numbers on any thread count. */
export const seededNormal = kernel<object, NormalAttributes>(
  'SeededNormal',
  (_, { shape, seed, mean, std }) => one(normal, shape, ...seedWords(seed), mean ?? 0, std ?? 1),
);

/** Uniform numbers in `[low, high)`, a function of the seed alone. */
export const seededUniform = kernel<object, UniformAttributes>(
  'SeededUniform',
  (_, { shape, seed, low, high }) => one(uniform, shape, ...seedWords(seed), low ?? 0, high ?? 1),
);
