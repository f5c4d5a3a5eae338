import type { EditTask, Group, Grouping, JudgedChain } from '@thinkrl/spec';
import { InvariantError } from './error.ts';
import type { GroupingFunction } from './grouping-function.ts';
import { planCredit } from './plan-credit.ts';

/** How advantages reach the stages of a chain. */
export interface CreditOptions {
  readonly group: GroupingFunction;
  /**
   * `shared` gives every stage the advantage of the final picture, as the paper does. `stage` gives plan and first edit
   * the advantage of the first picture, and every later round that of its improvement.
   */
  readonly mode: 'shared' | 'stage';
  /** Lower bound of the scale that improvements are divided by, in units of one reward. */
  readonly improvementFloor: number;
  /**
   * Chains of a group that share a plan, as the sampler was told. Above 1, plans are compared with plans and edits with
   * the other edits of their plan.
   * @defaultValue 1
   */
  readonly editsPerPlan?: number;
}

/** The judged chains of each task as a group with credit per stage (method section 1, step 6). `judged` is task-major. */
export function assignCredit<Task extends EditTask>(
  judged: readonly JudgedChain<Task>[],
  options: CreditOptions,
): readonly Group<Task>[] {
  return membersByTask(judged).map((members) => {
    const credit = options.mode === 'shared' ? sharedCredit(members, options) : stageCredit(members, options);
    return { task: members[0]!.chain.task, members, ...credit };
  });
}

type Credit = Pick<Group, 'credit' | 'plan'>;

function membersByTask<Task extends EditTask>(
  judged: readonly JudgedChain<Task>[],
): readonly (readonly JudgedChain<Task>[])[] {
  const groups = new Map<string, JudgedChain<Task>[]>();
  for (const member of judged) {
    const id = member.chain.task.id;
    const group = groups.get(id) ?? [];
    if (group.length !== member.chain.index) {
      throw new InvariantError(`task ${id}: chain ${member.chain.index} came where ${group.length} was due`);
    }
    group.push(member);
    groups.set(id, group);
  }
  return [...groups.values()];
}

function sharedCredit(members: readonly JudgedChain[], options: CreditOptions): Credit {
  const { edit, plan } = firstCredit(
    members.map((member) => rewardsAt(member, member.stages.length - 1)),
    options,
  );
  return { credit: Array.from({ length: stageCount(members) }, () => edit), ...(plan && { plan }) };
}

function stageCredit(members: readonly JudgedChain[], options: CreditOptions): Credit {
  const { edit, plan } = firstCredit(
    members.map((member) => rewardsAt(member, 0)),
    options,
  );
  const later = Array.from({ length: stageCount(members) - 1 }, (_, i) =>
    improvementCredit(
      members.map((member) => improvementAt(member, i + 1)),
      options.improvementFloor,
    ),
  );
  return { credit: [edit, ...later], ...(plan && { plan }) };
}

/** Credit of the first stage: of plan and edit together, or apart where edits share a plan. */
function firstCredit(
  rewards: Parameters<GroupingFunction>[0],
  { group, editsPerPlan = 1 }: CreditOptions,
): { readonly edit: Grouping; readonly plan?: Grouping } {
  return editsPerPlan === 1 ? { edit: group(rewards) } : planCredit(rewards, editsPerPlan, group);
}

/**
 * Advantages from improvements: each divided by their root mean square over the group, not centred, so that leaving the
 * picture as it is (improvement 0) is worth exactly 0 whatever the others did.
 *
 * `improvements[i]` is the change of the mean reward, null where the stage was not reached or not judged.
 *
 * @example
 * improvementCredit([0.6, 0, -0.3, null], 0.1).advantages; // rms = sqrt(0.45 / 3) = 0.387: [1.549, 0, -0.775, 0]
 */
export function improvementCredit(improvements: readonly (number | null)[], floor: number): Grouping {
  const known = improvements.filter((value) => value !== null);
  const meanSquare = known.reduce((sum, value) => sum + value * value, 0) / Math.max(1, known.length);
  const scale = Math.max(Math.sqrt(meanSquare), floor);
  const kept = improvements.flatMap((value, i) => (value ? [i] : []));
  return {
    method: 'improvement',
    advantages: improvements.map((value) => (value ? value / scale : 0)),
    kept: kept.sort((a, b) => improvements[a]! - improvements[b]!),
    degenerate: kept.length === 0 ? 'no-spread' : null,
  };
}

function stageCount(members: readonly JudgedChain[]): number {
  return Math.max(...members.map((member) => member.stages.length));
}

function rewardsAt(member: JudgedChain, stage: number): readonly number[] | null {
  const judgement = member.stages[stage];
  return judgement === undefined || judgement.unjudged !== undefined ? null : judgement.rewards;
}

function improvementAt(member: JudgedChain, stage: number): number | null {
  const before = rewardsAt(member, stage - 1);
  const after = rewardsAt(member, stage);
  return before === null || after === null ? null : mean(after) - mean(before);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
