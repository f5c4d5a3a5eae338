import type { EditTask, Group, Grouping, JudgedChain } from '@thinkrl/spec';
import { InvariantError } from './error.ts';

/** Advantages from one reward vector per sample; null marks a sample without a reward. `ucpg` and its rivals fit. */
export type GroupingFunction = (rewards: readonly (readonly number[] | null)[]) => Grouping;

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
}

/** The judged chains of each task as a group with credit per stage (method section 1, step 6). `judged` is task-major. */
export function assignCredit<Task extends EditTask>(
  judged: readonly JudgedChain<Task>[],
  options: CreditOptions,
): readonly Group<Task>[] {
  return membersByTask(judged).map((members) => ({
    task: members[0]!.chain.task,
    members,
    credit: options.mode === 'shared' ? sharedCredit(members, options) : stageCredit(members, options),
  }));
}

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

function sharedCredit(members: readonly JudgedChain[], { group }: CreditOptions): readonly Grouping[] {
  const grouping = group(members.map((member) => rewardsAt(member, member.stages.length - 1)));
  return Array.from({ length: stageCount(members) }, () => grouping);
}

function stageCredit(members: readonly JudgedChain[], options: CreditOptions): readonly Grouping[] {
  const first = options.group(members.map((member) => rewardsAt(member, 0)));
  const later = Array.from({ length: stageCount(members) - 1 }, (_, i) =>
    improvementCredit(
      members.map((member) => improvementAt(member, i + 1)),
      options.improvementFloor,
    ),
  );
  return [first, ...later];
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
