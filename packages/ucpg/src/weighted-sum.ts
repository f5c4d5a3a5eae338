import type { Grouping, GroupingOptions, Rewards } from './grouping.ts';
import { readRewards } from './rewards.ts';
import { readWeights, standardise } from './standardise.ts';

/** Options of {@link weightedSum} and {@link gdpo}. */
export interface WeightedOptions extends GroupingOptions {
  /**
   * Weight of each reward dimension.
   * @defaultValue 1 each
   */
  readonly weights?: readonly number[];
}

/**
 * Plain GRPO: the weighted sum of the rewards, standardised over the group. Keeps every judged sample.
 *
 * @throws UcpgError for empty, ragged or non-finite rewards and unusable options.
 * @example
 * weightedSum([[0, 1], [1, 1]], { weights: [2, 1], epsilon: 0 }).advantages; // [-1, 1]
 */
export function weightedSum(rewards: Rewards, options: WeightedOptions = {}): Grouping {
  const { count, dimensions, judged, values } = readRewards(rewards);
  const weights = readWeights(options.weights, dimensions);
  const scores = judged.map((_, row) =>
    weights.reduce((sum, weight, k) => sum + weight * values[row * dimensions + k]!, 0),
  );
  const unit = weights.reduce((sum, weight) => sum + weight, 0);
  return standardise({ method: 'weightedSum', count, samples: judged, scores, unit }, options);
}
