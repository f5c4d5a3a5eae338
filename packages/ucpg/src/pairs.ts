import { degenerateGrouping, type Grouping, type GroupingOptions, type Rewards } from './grouping.ts';
import { dominatedBy } from './order.ts';
import { readRewards } from './rewards.ts';
import { readScale, worstFirst } from './standardise.ts';

/**
 * All pairs: samples that this one dominates minus samples that dominate it, over the judged others.
 *
 * Uses every comparable pair of the group, not one chain of them, and needs no search. Samples that are comparable
 * with nobody are left out. Advantages lie in [-1, 1] and add up to 0: they are shares of the group, so that the options
 * of the other methods are checked but scale nothing.
 *
 * @throws UcpgError for empty, ragged or non-finite rewards and unusable options.
 * @example
 * pairs([[0, 0], [1, 0], [0, 1]]).advantages; // [-1, 0.5, 0.5]
 */
export function pairs(rewards: Rewards, options: GroupingOptions = {}): Grouping {
  readScale(options);
  const { count, dimensions, judged, values } = readRewards(rewards);
  if (judged.length < 2) return degenerateGrouping('pairs', count, 'too-short');
  const balance = new Array<number>(count).fill(0);
  const comparable = new Set<number>();
  for (let i = 0; i < judged.length; i++)
    for (let j = 0; j < judged.length; j++) {
      if (!dominatedBy(values, dimensions, i, j)) continue;
      balance[judged[i]!]! -= 1;
      balance[judged[j]!]! += 1;
      comparable.add(judged[i]!).add(judged[j]!);
    }
  if (comparable.size === 0) return degenerateGrouping('pairs', count, 'no-spread');
  const advantages = balance.map((value) => value / (judged.length - 1));
  const kept = judged.filter((sample) => comparable.has(sample));
  return { method: 'pairs', advantages, kept: worstFirst(kept, advantages), degenerate: null };
}
