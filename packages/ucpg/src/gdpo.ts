import { degenerateGrouping, type Grouping, type Rewards } from './grouping.ts';
import { readRewards } from './rewards.ts';
import { moments, readScale, readWeights, tied, worstFirst } from './standardise.ts';
import type { WeightedOptions } from './weighted-sum.ts';

/**
 * GDPO style: every dimension standardised over the group, then the weighted sum of those. Keeps every judged sample.
 *
 * A dimension in which all samples are equal adds nothing. The result has no fixed scale: see {@link batchScale}.
 *
 * @throws UcpgError for empty, ragged or non-finite rewards and unusable options.
 * @example
 * gdpo([[0, 10], [1, 30]], { epsilon: 0 }).advantages; // [-2, 2]
 */
export function gdpo(rewards: Rewards, options: WeightedOptions = {}): Grouping {
  const { count, dimensions, judged, values } = readRewards(rewards);
  const weights = readWeights(options.weights, dimensions);
  const { epsilon, floor } = readScale(options);
  if (judged.length < 2) return degenerateGrouping('gdpo', count, 'too-short');
  const advantages = new Array<number>(count).fill(0);
  let spread = false;
  for (let k = 0; k < dimensions; k++) {
    const column = judged.map((_, row) => values[row * dimensions + k]!);
    if (weights[k] === 0 || tied(column)) continue;
    spread = true;
    const { mean, deviation } = moments(column);
    const scale = Math.max(deviation, floor) + epsilon;
    judged.forEach((sample, row) => {
      advantages[sample]! += (weights[k]! * (column[row]! - mean)) / scale;
    });
  }
  if (!spread) return degenerateGrouping('gdpo', count, 'no-spread');
  return { method: 'gdpo', advantages, kept: worstFirst(judged, advantages), degenerate: null };
}
