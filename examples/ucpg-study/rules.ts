import { grouping, type Rewards } from '@thinkrl/ucpg';

/** A way to turn a group's rewards into advantages. */
export type Rule = (rewards: Rewards) => readonly number[];

const floor = { standardDeviationFloor: 0.05 };
const advantagesOf =
  (method: ReturnType<typeof grouping>): Rule =>
  (rewards) =>
    method(rewards).advantages;

/** The rules that are compared; dimension 0 is the one that is hard to get, for those that need to be told. */
export const rules: Readonly<Record<string, Rule>> = {
  sum: advantagesOf(grouping('weightedSum', floor)),
  'sum 4,1,1': (rewards) =>
    grouping('weightedSum', { ...floor, weights: (rewards[0] ?? []).map((_, k) => (k === 0 ? 4 : 1)) })(
      rewards,
    ).advantages,
  gdpo: advantagesOf(grouping('gdpo', floor)),
  'Pareto rank': advantagesOf(grouping('paretoRank')),
  lexicographic: advantagesOf(grouping('lexicographic')),
  pairs: advantagesOf(grouping('pairs')),
  UCPG: advantagesOf(grouping('ucpg', floor)),
  'UCPG rank': advantagesOf(grouping('ucpg', { advantage: 'rank' })),
  'UCPG lead': advantagesOf(grouping('ucpg', { ...floor, lead: 0 })),
};
