import type { Grouping } from '@thinkrl/spec';
import type { GroupingFunction } from './grouping-function.ts';

/** Credit of plans and of the edits made from them, for the same chains. */
export interface PlanCredit {
  readonly plan: Grouping;
  readonly edit: Grouping;
}

/**
 * Tells the credit of plans from that of edits where every `editsPerPlan` chains share a plan: a plan is compared with
 * the other plans by its edits' mean rewards, an edit with the other edits of its plan.
 *
 * @param rewards of the chains, in order; null for one without a judgement, which counts in no mean.
 * @example
 * // Plans with mean rewards 0.5 and 2; edits -0.5 and 0.5, -1 and 1 around them.
 * planCredit([[0], [1], [1], [3]], 2, group);
 */
export function planCredit(
  rewards: readonly (readonly number[] | null)[],
  editsPerPlan: number,
  group: GroupingFunction,
): PlanCredit {
  const plans = Array.from({ length: rewards.length / editsPerPlan }, (_, plan) =>
    rewards.slice(plan * editsPerPlan, (plan + 1) * editsPerPlan),
  );
  const planned = group(plans.map(meanRewards));
  return { plan: spread(planned, editsPerPlan), edit: joined(plans.map(group), editsPerPlan) };
}

function meanRewards(edits: readonly (readonly number[] | null)[]): readonly number[] | null {
  const judged = edits.filter((rewards) => rewards !== null);
  if (judged.length === 0) return null;
  return judged[0]!.map((_, k) => judged.reduce((sum, rewards) => sum + rewards[k]!, 0) / judged.length);
}

/** A grouping of plans as one of their chains. */
function spread(plans: Grouping, editsPerPlan: number): Grouping {
  const chainsOf = (plan: number) => Array.from({ length: editsPerPlan }, (_, i) => plan * editsPerPlan + i);
  return {
    method: plans.method,
    advantages: plans.advantages.flatMap((advantage) => new Array<number>(editsPerPlan).fill(advantage)),
    kept: plans.kept.flatMap(chainsOf),
    degenerate: plans.degenerate,
  };
}

/** Groupings of the edits of each plan as one of all chains; degenerate if all of them are. */
function joined(plans: readonly Grouping[], editsPerPlan: number): Grouping {
  const advantages = plans.flatMap((grouping) => grouping.advantages);
  const kept = plans.flatMap((grouping, plan) => grouping.kept.map((edit) => plan * editsPerPlan + edit));
  return {
    method: plans[0]!.method,
    advantages,
    kept: kept.sort((a, b) => advantages[a]! - advantages[b]!),
    degenerate: kept.length === 0 ? plans[0]!.degenerate : null,
  };
}
