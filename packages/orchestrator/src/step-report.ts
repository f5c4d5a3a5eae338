import { fromEveryRank, type ProcessGroup, singleProcess } from '@thinkrl/fsdp-shard';
import type { EditTask, Group, Judgement, ModuleReport, StepReport } from '@thinkrl/spec';

/** What one iteration's report is made from. */
export interface StepFacts<Task extends EditTask> {
  readonly iteration: number;
  readonly groups: readonly Group<Task>[];
  readonly dimensions: readonly string[];
  readonly guard: StepReport['guard'];
  readonly understanding: ModuleReport | null;
  readonly generation: ModuleReport | null;
  readonly seconds: StepReport['seconds'];
}

/**
 * Sums an iteration up, over the groups of all ranks and the same on each; the seconds are this rank's own. Means are over
 * the final pictures of judged chains.
 */
export async function stepReport<Task extends EditTask>(
  facts: StepFacts<Task>,
  group: ProcessGroup = singleProcess(),
): Promise<StepReport> {
  const { iteration, understanding, generation, seconds } = facts;
  const { counts, rewards, oracle, dropped, guard } = added(await fromEveryRank(group, tallyOf(facts)));
  const shareOf = (sum: number, count: number) => rounded(sum / Math.max(1, count));
  const means = (sums: Sums, count: number) =>
    Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, shareOf(sum, count)]));
  return {
    iteration,
    rewards: means(rewards, counts.judged),
    oracle: means(oracle, counts.known),
    keptShare: shareOf(counts.kept, counts.chains),
    chains: counts.chains,
    dropped,
    fixShare: shareOf(counts.fixes, counts.reflections),
    ...(facts.guard !== undefined && { guard }),
    understanding,
    generation,
    seconds,
  };
}

type Sums = Readonly<Record<string, number>>;

/** What a rank adds to the report of an iteration. */
interface Tally {
  readonly counts: Readonly<Record<'chains' | 'kept' | 'judged' | 'known' | 'reflections' | 'fixes', number>>;
  readonly rewards: Sums;
  readonly oracle: Sums;
  readonly dropped: Sums;
  readonly guard: Sums;
}

function tallyOf<Task extends EditTask>({ groups, dimensions, guard = {} }: StepFacts<Task>): Tally {
  const members = groups.flatMap((group) => group.members);
  const finals = members.map((member) => member.stages.at(-1)!);
  const judged = finals.filter((judgement) => judgement.unjudged === undefined);
  const known = finals.flatMap(({ oracle }) => (oracle ? [oracle] : []));
  const reflections = members.flatMap((member) => member.chain.rounds.map((round) => round.reflection));
  return {
    counts: {
      chains: members.length,
      kept: total(groups.map(({ credit }) => credit[0]?.kept.length ?? 0)),
      judged: judged.length,
      known: known.length,
      reflections: reflections.length,
      fixes: reflections.filter((reflection) => reflection.verdict === 'fix').length,
    },
    rewards: Object.fromEntries(
      dimensions.map((name, k) => [name, total(judged.map((judgement) => judgement.rewards[k]!))]),
    ),
    oracle: summed(known),
    dropped: droppedCounts(groups),
    guard,
  };
}

function added(tallies: readonly Tally[]): Tally {
  const sum = <Part extends keyof Tally>(part: Part) =>
    summed(tallies.map((tally) => tally[part])) as Tally[Part];
  return {
    counts: sum('counts'),
    rewards: sum('rewards'),
    oracle: sum('oracle'),
    dropped: sum('dropped'),
    guard: sum('guard'),
  };
}

/** Numbers added up by name; the names are those of the first record that has some. */
function summed(records: readonly Sums[]): Sums {
  const names = Object.keys(records.find((record) => Object.keys(record).length > 0) ?? {});
  return Object.fromEntries(names.map((name) => [name, total(records.map((record) => record[name] ?? 0))]));
}

function droppedCounts(groups: readonly Group[]): Readonly<Record<string, number>> {
  const members = groups.flatMap((group) => group.members);
  const plans = members.flatMap(({ chain }) => (chain.plan ? [chain.plan] : []));
  const reflections = members.flatMap(({ chain }) => chain.rounds.map((round) => round.reflection));
  return {
    unjudged: members.filter((member) => member.stages.some((stage) => stage.unjudged !== undefined)).length,
    degenerateGroups: groups.filter((group) => group.credit[0]?.degenerate).length,
    unparsablePlans: plans.filter((plan) => !plan.wellFormed).length,
    unparsableReflections: reflections.filter((reflection) => !reflection.wellFormed).length,
  };
}

/** Mean of each exact score over the judgements that have one. */
export function meanOracle(judgements: readonly Judgement[]): Sums {
  const known = judgements.flatMap((judgement) => (judgement.oracle ? [judgement.oracle] : []));
  return Object.fromEntries(
    Object.entries(summed(known)).map(([name, sum]) => [name, rounded(sum / known.length)]),
  );
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
