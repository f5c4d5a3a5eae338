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

/** Sums an iteration up. Means are over the final pictures of judged chains. */
export function stepReport<Task extends EditTask>(facts: StepFacts<Task>): StepReport {
  const { iteration, groups, guard, understanding, generation, seconds } = facts;
  const members = groups.flatMap((group) => group.members);
  const finals = members.map((member) => member.stages.at(-1)!);
  const judged = finals.filter((judgement) => judgement.unjudged === undefined);
  const reflections = members.flatMap((member) => member.chain.rounds.map((round) => round.reflection));
  const kept = groups.reduce((count, group) => count + (group.credit[0]?.kept.length ?? 0), 0);
  return {
    iteration,
    rewards: Object.fromEntries(
      facts.dimensions.map((name, k) => [
        name,
        rounded(mean(judged.map((judgement) => judgement.rewards[k]!))),
      ]),
    ),
    oracle: meanOracle(finals),
    keptShare: rounded(kept / Math.max(1, members.length)),
    chains: members.length,
    dropped: droppedCounts(groups),
    fixShare: rounded(mean(reflections.map((reflection) => (reflection.verdict === 'fix' ? 1 : 0)))),
    ...(guard !== undefined && { guard }),
    understanding,
    generation,
    seconds,
  };
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
export function meanOracle(judgements: readonly Judgement[]): Readonly<Record<string, number>> {
  const known = judgements.flatMap((judgement) => (judgement.oracle ? [judgement.oracle] : []));
  const names = Object.keys(known[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, rounded(mean(known.map((scores) => scores[name]!)))]));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
