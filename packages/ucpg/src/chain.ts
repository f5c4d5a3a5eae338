import type { Rewards } from './grouping.ts';
import { IndexSets } from './index-set.ts';
import { type LeadOptions, leastTop } from './lead.ts';
import { atMost, linearExtension } from './order.ts';
import { type RewardRows, readRewards, rowSums, sumTolerance } from './rewards.ts';

/** Which of several longest chains is taken, and whether it may hold equal vectors. */
export interface ChainOptions extends LeadOptions {
  /**
   * What decides between chains of the same length and the same spread of sums: the lowest sample indices (the chain
   * that holds the lowest index in which two chains differ), or the rewards alone, which makes the choice follow a
   * reordering of the group.
   * @defaultValue 'index'
   */
  readonly tieBreak?: 'index' | 'reward';
  /**
   * Whether samples with equal vectors may stand in the chain together, or only one of them.
   * @defaultValue 'all'
   */
  readonly duplicates?: 'all' | 'one';
}

/** A group's rewards as the search wants them, with `sums [rows]`. */
export interface ChainProblem extends RewardRows {
  readonly sums: Float64Array;
}

interface Search {
  /** Position in the linear extension to row. */
  readonly order: Int32Array;
  readonly length: Int32Array;
  readonly parent: Int32Array;
  /** Lowest first sum among the longest chains that end at a position. */
  readonly start: Float64Array;
  readonly members: IndexSets;
}

/**
 * The longest chain of the product order, worst sample first (method section 3).
 *
 * Any two members are comparable. Among equally long chains the one with the greatest spread of sums (last minus
 * first, to 12 digits) is taken, then `tieBreak` decides. Cost `O(N^2 K)`.
 *
 * @returns indices into `rewards`; unjudged samples are never among them.
 * @throws UcpgError when the rewards are empty, ragged or not finite, or `lead` is no dimension.
 * @example
 * longestChain([[0.2, 0.9], [0.1, 0.1], [0.3, 0.9]]); // [1, 0, 2]
 */
export function longestChain(rewards: Rewards, options: ChainOptions = {}): readonly number[] {
  const { judged, values, dimensions } = readRewards(rewards);
  const rows = longestChainOf({ values, dimensions, sums: rowSums(values, dimensions) }, options);
  return rows.map((row) => judged[row]!);
}

/** {@link longestChain} over flat storage; gives row numbers. */
export function longestChainOf(problem: ChainProblem, options: ChainOptions = {}): readonly number[] {
  const { order, length, parent, start, members } = searchChains(problem, options);
  const tolerance = sumTolerance(problem.sums);
  const { lead = 0 } = options;
  const least = leastTop(problem, options);
  let best = -1;
  const spread = (at: number) => problem.sums[order[at]!]! - start[at]!;
  for (let at = 0; at < order.length; at++) {
    if (problem.values[order[at]! * problem.dimensions + lead]! < least) continue;
    if (best < 0 || length[at]! > length[best]!) best = at;
    else if (length[at] === length[best]) {
      const gain = spread(at) - spread(best);
      if (gain > tolerance || (gain >= -tolerance && members.lower(at, best))) best = at;
    }
  }
  const chain: number[] = [];
  for (let at = best; at >= 0; at = parent[at]!) chain.push(order[at]!);
  return chain.reverse();
}

/** `L[j] = 1 + max L[i]` over the positions before `j` that are at most `j`, with the best predecessor of each. */
function searchChains(problem: ChainProblem, options: ChainOptions): Search {
  const { values, sums, dimensions } = problem;
  const count = sums.length;
  const order = linearExtension(values, dimensions, sums);
  const sorted = values.map(
    (_, at) => values[order[Math.floor(at / dimensions)]! * dimensions + (at % dimensions)]!,
  );
  const length = new Int32Array(count);
  const parent = new Int32Array(count).fill(-1);
  const start = new Float64Array(count);
  const members = new IndexSets(count);
  const tolerance = sumTolerance(sums);
  const strict = options.duplicates === 'one';
  for (let j = 0; j < count; j++) {
    let chosen = -1;
    for (let i = j - 1; i >= 0; i--) {
      if (chosen >= 0 && length[i]! < length[chosen]!) continue;
      if (!atMost(sorted, dimensions, i, j) || (strict && atMost(sorted, dimensions, j, i))) continue;
      const gain = chosen < 0 || length[i]! > length[chosen]! ? Infinity : start[chosen]! - start[i]!;
      if (gain > tolerance || (gain >= -tolerance && members.lower(i, chosen))) chosen = i;
    }
    parent[j] = chosen;
    length[j] = chosen < 0 ? 1 : length[chosen]! + 1;
    start[j] = chosen < 0 ? sums[order[j]!]! : start[chosen]!;
    members.extend(j, chosen, options.tieBreak === 'reward' ? j : order[j]!);
  }
  return { order, length, parent, start, members };
}
