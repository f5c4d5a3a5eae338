import { Multinomial, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { seedWords } from '../kernel/seed.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('multinomial');

/** Draws from the distribution of each row, a function of the seed. */
export const multinomial = kernel<
  { logits: TensorInfo },
  { numSamples: number; seed: number; normalized: boolean }
>(Multinomial, ({ logits }, { numSamples, seed, normalized }) => {
  const [low, high] = seedWords(seed);
  return one(native, handleOf(logits), numSamples, low, high, normalized === true);
});
