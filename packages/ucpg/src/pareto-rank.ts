import type { Grouping, GroupingOptions, Rewards } from './grouping.ts';
import { dominatedBy } from './order.ts';
import { readRewards } from './rewards.ts';
import { standardise } from './standardise.ts';

/**
 * The front each row of `values [rows, dimensions]` stands in: 0 for rows that nobody dominates, 1 for rows that only
 * front 0 dominates, and so on (the longest descent from above).
 */
function paretoFronts(values: Float64Array, dimensions: number): Int32Array {
  const rows = values.length / dimensions;
  const front = new Int32Array(rows).fill(-1);
  let left = rows;
  for (let level = 0; left > 0; level++) {
    const free = [...front.keys()].filter((i) => front[i] === -1);
    const best = free.filter((i) => !free.some((j) => dominatedBy(values, dimensions, i, j)));
    for (const i of best) front[i] = level;
    left -= best.length;
  }
  return front;
}

/**
 * Pareto-front rank: samples are scored by the front they stand in and standardised. Keeps every judged sample.
 *
 * The `standardDeviationFloor` is in units of one front.
 *
 * @throws UcpgError for empty, ragged or non-finite rewards and unusable options.
 * @example
 * paretoRank([[0, 0], [1, 1]], { epsilon: 0 }).advantages; // [-1, 1]
 */
export function paretoRank(rewards: Rewards, options: GroupingOptions = {}): Grouping {
  const { count, dimensions, judged, values } = readRewards(rewards);
  const fronts = dimensions === 0 ? new Int32Array(0) : paretoFronts(values, dimensions);
  const scores = Array.from(fronts, (front) => 0 - front);
  return standardise({ method: 'paretoRank', count, samples: judged, scores, unit: 1 }, options);
}
