import type { Setup } from './exchange.ts';
import { shapesOf, writeInputs, writeWeights } from './inputs.ts';
import type { ModelName, Sizes } from './sizes.ts';

/** Where sides compute, and whether they are to compute the same. */
export interface SetupOptions extends Pick<Setup, 'device' | 'threads'> {
  readonly folder: string;
  /** Float32 with the same weights on both sides; bfloat16 with random ones otherwise. */
  readonly same: boolean;
}

/** What a side is told first, by model; inputs are written to a folder. */
export async function setups(
  sizes: Sizes,
  { folder, same, device, threads }: SetupOptions,
): Promise<(model: ModelName) => Setup> {
  const shapes = await shapesOf(sizes);
  const fed = await writeInputs(folder, sizes);
  const weights = same ? await writeWeights(folder, shapes) : null;
  const storage = same ? 'float32' : 'bfloat16';
  return (model) => ({ model, device, threads, storage, sizes, shapes, weights, ...fed });
}

/** Largest difference of two lists as a share of the largest number. */
export function shareApart(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / largest;
}
