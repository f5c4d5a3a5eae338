import { UcpgError } from './error.ts';
import { degenerateGrouping, type Grouping, type GroupingOptions } from './grouping.ts';

/** Scores of the samples that can take part: `scores[i]` belongs to sample `samples[i]`. */
export interface ScoredSamples {
  readonly method: string;
  /** Size of the whole group. */
  readonly count: number;
  readonly samples: readonly number[];
  readonly scores: readonly number[];
  /** How many rewards add up to one score: the floor is multiplied by it. */
  readonly unit: number;
}

/** Mean and population standard deviation. */
export function moments(scores: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/**
 * `A_i = (S_i - mean S) / (max(std S, floor) + epsilon)` with the population standard deviation; every other sample
 * of the group gets 0. Fewer than two samples, or equal scores, make the group degenerate.
 */
export function standardise(scored: ScoredSamples, options: GroupingOptions): Grouping {
  const { method, count, samples, scores, unit } = scored;
  const { epsilon, floor } = readScale(options);
  if (samples.length < 2) return degenerateGrouping(method, count, 'too-short');
  if (tied(scores)) return degenerateGrouping(method, count, 'no-spread');
  const { mean, deviation } = moments(scores);
  const scale = Math.max(deviation, floor * unit) + epsilon;
  const advantages = new Array<number>(count).fill(0);
  samples.forEach((sample, at) => {
    advantages[sample] = (scores[at]! - mean) / scale;
  });
  return { method, advantages, kept: worstFirst(samples, advantages), degenerate: null };
}

/** Whether scores are equal but for rounding. */
export function tied(scores: readonly number[]): boolean {
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  return high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high));
}

/** `samples` by ascending advantage; equal ones stay in the order given. */
export function worstFirst(samples: readonly number[], advantages: readonly number[]): readonly number[] {
  return samples.toSorted((a, b) => advantages[a]! - advantages[b]!);
}

/** The checked options of {@link GroupingOptions} with their defaults. */
export function readScale(options: GroupingOptions): { readonly epsilon: number; readonly floor: number } {
  const { epsilon = 1e-6, standardDeviationFloor: floor = 0 } = options;
  for (const [name, value] of Object.entries({ epsilon, standardDeviationFloor: floor }))
    if (!Number.isFinite(value) || value < 0)
      throw new UcpgError('UCPG_OPTION', {
        field: `options.${name}`,
        value,
        fix: 'use a number of at least 0',
      });
  return { epsilon, floor };
}

/**
 * Weights of the reward dimensions, 1 each when none are given.
 *
 * @throws UcpgError `UCPG_OPTION` when their number differs from that of the dimensions, or one is negative.
 */
export function readWeights(weights: readonly number[] | undefined, dimensions: number): readonly number[] {
  if (weights === undefined) return new Array<number>(dimensions).fill(1);
  const sound = weights.every((weight) => Number.isFinite(weight) && weight >= 0);
  if (weights.length !== dimensions || !sound)
    throw new UcpgError('UCPG_OPTION', {
      field: 'options.weights',
      value: weights,
      fix: `give ${dimensions} weights of at least 0, one per reward dimension`,
    });
  return weights;
}
