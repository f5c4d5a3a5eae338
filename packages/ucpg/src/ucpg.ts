import { type ChainOptions, longestChainOf } from './chain.ts';
import { UcpgError } from './error.ts';
import {
  degenerateGrouping,
  type Grouping,
  type GroupingOptions,
  type Outranked,
  type Rewards,
} from './grouping.ts';
import { beatenBy } from './lead.ts';
import { atMost } from './order.ts';
import { denseRanks, readRewards, rowSums } from './rewards.ts';
import { standardise, worstFirst } from './standardise.ts';

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
 * That never pushes down a sample that is best in every dimension but one, such as a picture left as it was. With
 * `lead` it does (ours, not the paper's): the chain must end high in that dimension, and a sample outside the chain
 * shares the advantage of the lowest member that is better in `lead` or at least as good everywhere, where that is
 * negative. `docs/ucpg.md` proves what is kept and measures what it is worth.
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
  const grouping = standardise({ method: 'ucpg', count, samples, scores, unit }, options);
  if (options.lead === undefined || grouping.degenerate !== null) return grouping;
  const beaten = beatenBy({ values, dimensions }, rows, options.lead);
  return pushDown(
    grouping,
    beaten.map(({ sample, by }) => ({ sample: judged[sample]!, by: judged[by]! })),
  );
}

/** Gives every beaten sample the advantage of the chain's member that beats it, where that is negative. */
function pushDown(grouping: Grouping, beaten: readonly Outranked[]): Grouping {
  const outranked = beaten.filter(({ by }) => grouping.advantages[by]! < 0);
  const advantages = [...grouping.advantages];
  for (const { sample, by } of outranked) advantages[sample] = advantages[by]!;
  const kept = worstFirst([...outranked.map(({ sample }) => sample), ...grouping.kept], advantages);
  return { ...grouping, advantages, kept, outranked };
}

/** Position of each member of a chain, worst 0; equal vectors share a position. */
function chainRanks(values: Float64Array, dimensions: number, chain: readonly number[]): readonly number[] {
  let rank = 0;
  return chain.map((row, at) => {
    if (at > 0 && !atMost(values, dimensions, row, chain[at - 1]!)) rank += 1;
    return rank;
  });
}
