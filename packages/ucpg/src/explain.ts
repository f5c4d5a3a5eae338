import { UcpgError } from './error.ts';
import type { Grouping, Rewards } from './grouping.ts';
import { atMost } from './order.ts';
import { type RewardTable, readRewards } from './rewards.ts';

/**
 * Why a sample is in or out of the update. `kept`; `outranked`: pushed down from outside the chain by `lead`;
 * `conflict`: the dimensions disagree on it and a kept sample; `duplicate`: an equal sample was kept; `unjudged`: no
 * reward; `degenerate`: the whole group gives no update.
 */
export type Reason = 'kept' | 'outranked' | 'conflict' | 'duplicate' | 'unjudged' | 'degenerate';

/** What {@link explain} says of one sample. Lists hold sample indices among those it is measured against. */
export interface Explanation {
  readonly sample: number;
  readonly reason: Reason;
  readonly advantage: number;
  /** Place among the kept samples, worst 0; null when left out. */
  readonly rank: number | null;
  /** Samples at least as good in every dimension, and better in one. */
  readonly better: readonly number[];
  /** Samples at most as good in every dimension, and worse in one. */
  readonly worse: readonly number[];
  readonly equal: readonly number[];
  /** Samples that the reward dimensions do not order against this one. */
  readonly conflicts: readonly number[];
  /** The same in a sentence. */
  readonly text: string;
}

/** Options of {@link explain}. */
export interface ExplainOptions {
  /** Names of the reward dimensions for the sentences. */
  readonly dimensions?: readonly string[];
}

/**
 * Says for every sample of a group why it is in or out of the update, and against whom.
 *
 * A sample is measured against the kept samples, those outside the chain left out; in a degenerate group, which keeps
 * nobody, against all judged ones.
 *
 * @throws UcpgError when the rewards are unusable or `grouping` belongs to a group of another size.
 * @example
 * const rewards = [[0.2, 0.5], [0.9, 0.1], [0.6, 0.7]];
 * explain(rewards, ucpg(rewards))[1]?.text;
 * // 'left out: against 0 it is better in dimension 0 and worse in dimension 1'
 */
export function explain(
  rewards: Rewards,
  grouping: Grouping,
  options: ExplainOptions = {},
): readonly Explanation[] {
  const table = readRewards(rewards);
  if (grouping.advantages.length !== table.count)
    throw new UcpgError('UCPG_RAGGED', {
      field: 'grouping.advantages',
      value: grouping.advantages.length,
      fix: `pass the grouping of these ${table.count} samples`,
    });
  const rowOf = new Map(table.judged.map((sample, row) => [sample, row]));
  const pushedBy = new Map(grouping.outranked?.map(({ sample, by }) => [sample, by]));
  const chain = grouping.kept.filter((sample) => !pushedBy.has(sample));
  const measured = grouping.degenerate === null ? chain : table.judged;
  return rewards.map((_, sample) => {
    const found = relations(table, rowOf, sample, measured);
    const rank = grouping.kept.indexOf(sample);
    const by = pushedBy.get(sample);
    const reason = by === undefined ? reasonOf(grouping, rowOf.has(sample), rank >= 0, found) : 'outranked';
    const facts = { sample, reason, advantage: grouping.advantages[sample]!, rank: rank < 0 ? null : rank };
    const text =
      by === undefined
        ? sentence({ ...facts, ...found, text: '' }, rewards, grouping, options)
        : `pushed down with ${by}: ${comparison(rewards, [sample, by], options)}`;
    return { ...facts, ...found, text };
  });
}

type Relations = Pick<Explanation, 'better' | 'worse' | 'equal' | 'conflicts'>;

function relations(
  table: RewardTable,
  rowOf: ReadonlyMap<number, number>,
  sample: number,
  measured: readonly number[],
): Relations {
  const found = {
    better: [] as number[],
    worse: [] as number[],
    equal: [] as number[],
    conflicts: [] as number[],
  };
  const row = rowOf.get(sample);
  if (row === undefined) return found;
  for (const other of measured) {
    if (other === sample) continue;
    const up = atMost(table.values, table.dimensions, row, rowOf.get(other)!);
    const down = atMost(table.values, table.dimensions, rowOf.get(other)!, row);
    const list = up ? (down ? found.equal : found.better) : down ? found.worse : found.conflicts;
    list.push(other);
  }
  return found;
}

function reasonOf(grouping: Grouping, judged: boolean, kept: boolean, found: Relations): Reason {
  if (!judged) return 'unjudged';
  if (kept) return 'kept';
  if (grouping.degenerate !== null) return 'degenerate';
  return found.conflicts.length > 0 ? 'conflict' : 'duplicate';
}

function sentence(facts: Explanation, rewards: Rewards, grouping: Grouping, options: ExplainOptions): string {
  const list = (samples: readonly number[]) => (samples.length === 0 ? 'nobody' : samples.join(', '));
  switch (facts.reason) {
    case 'unjudged':
      return 'left out: it has no judgement';
    case 'degenerate':
      return grouping.degenerate === 'too-short'
        ? 'left out with its group: fewer than two samples can be ordered'
        : 'left out with its group: all samples that can be ordered are worth the same';
    case 'duplicate':
      return `left out: its rewards equal those of ${list(facts.equal)}, of which one is kept`;
    case 'kept':
      return `kept at place ${facts.rank! + 1} of ${grouping.kept.length}: above ${list(facts.worse)}, below ${list(facts.better)}`;
    default:
      return `left out: ${facts.conflicts
        .map((other) => comparison(rewards, [facts.sample, other], options))
        .join('; ')}`;
  }
}

/** In which dimensions a sample is better and worse than another one. */
function comparison(
  rewards: Rewards,
  [sample, other]: readonly [sample: number, other: number],
  { dimensions }: ExplainOptions,
): string {
  const [own, against] = [rewards[sample]!, rewards[other]!];
  const where = (better: boolean) =>
    own.flatMap((value, k) =>
      value !== against[k] && value > against[k]! === better ? [dimensions?.[k] ?? `dimension ${k}`] : [],
    );
  const [up, down] = [where(true), where(false)];
  if (up.length === 0) return `${other} is at least as good in every dimension`;
  return `against ${other} it is better in ${up.join(', ')} and worse in ${down.join(', ')}`;
}
