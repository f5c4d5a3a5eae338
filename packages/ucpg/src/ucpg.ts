import { type ChainOptions, longestChainOf } from './chain.ts';
import { UcpgError } from './error.ts';
import { degenerateGrouping, type Grouping, type GroupingOptions, type Rewards } from './grouping.ts';
import { atMost } from './order.ts';
import { denseRanks, readRewards, rowSums } from './rewards.ts';
import { standardise } from './standardise.ts';

/** Options of {@link ucpg}: the points that the paper leaves open. */
export interface UcpgOptions extends GroupingOptions, ChainOptions {
  /**
   * What advantages are made of. `sum`: the members' reward sums, as in the paper. `rank`: their position in the
   * chain, equal vectors sharing one; the choice between equally long chains then goes by ranks as well, so that no
   * strictly increasing map of a dimension changes anything.
   * @defaultValue 'sum'
   */
  readonly advantage?: 'sum' | 'rank';
  /**
   * A chain with fewer members makes the group degenerate.
   * @defaultValue 2
   */
  readonly minimumChain?: number;
}

/**
 * Unbiased chain preference grouping (ThinkRL-Edit, arXiv 2601.03467; method section 3).
 *
 * Keeps the longest chain of samples that all reward dimensions order alike and gives its members the standardised
 * sum of their rewards; every other sample gets 0 and is left out. No weights enter the order.
 *
 * @param rewards `[samples][dimensions]`, larger is better; null for a sample without a judgement.
 * @throws UcpgError for empty, ragged or non-finite rewards and unusable options.
 * @example
 * const group = ucpg([[0.2, 0.5], [0.9, 0.1], [0.6, 0.7], [0.8, 0.9]]);
 * group.kept; // [0, 2, 3]: sample 1 is better than 0 in one dimension and worse in the other
 */
export function ucpg(rewards: Rewards, options: UcpgOptions = {}): Grouping {
  const { minimumChain = 2, advantage = 'sum' } = options;
  if (!Number.isInteger(minimumChain) || minimumChain < 2)
    throw new UcpgError('UCPG_OPTION', {
      field: 'options.minimumChain',
      value: minimumChain,
      fix: 'use an integer of at least 2',
    });
  const { count, dimensions, judged, values: raw } = readRewards(rewards);
  const values = advantage === 'rank' ? denseRanks(raw, dimensions) : raw;
  const sums = rowSums(values, dimensions);
  const rows = longestChainOf({ values, sums, dimensions }, options);
  if (rows.length < minimumChain) return degenerateGrouping('ucpg', count, 'too-short');
  const scores = advantage === 'rank' ? chainRanks(values, dimensions, rows) : rows.map((row) => sums[row]!);
  const samples = rows.map((row) => judged[row]!);
  const unit = advantage === 'rank' ? 1 : dimensions;
  return standardise({ method: 'ucpg', count, samples, scores, unit }, options);
}

/** Position of each member of a chain, worst 0; equal vectors share a position. */
function chainRanks(values: Float64Array, dimensions: number, chain: readonly number[]): readonly number[] {
  let rank = 0;
  return chain.map((row, at) => {
    if (at > 0 && !atMost(values, dimensions, row, chain[at - 1]!)) rank += 1;
    return rank;
  });
}
