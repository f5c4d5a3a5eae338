import type { ProcessGroup, ShardingGroup } from './process-group.ts';

/**
 * Does `work` as a rank of a group and leaves the group after it. When the work fails, the others are left word of why,
 * which their own error will repeat.
 *
 * @example
 * await withGroup(await joinGroup(rankEnvironment(process.env)), (group) => train(group));
 */
export async function withGroup<Group extends ProcessGroup & Pick<ShardingGroup, 'fail'>, Result>(
  group: Group,
  work: (group: Group) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(group);
  } catch (error) {
    group.fail(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    await group.close();
  }
}
