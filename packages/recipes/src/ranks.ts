import { joinGroup, joinPart } from '@thinkrl/engine';
import {
  meshOf,
  type RankEnvironment,
  rankEnvironment,
  type ShardingGroup,
  singleProcess,
  withGroup,
} from '@thinkrl/fsdp-shard';
import { ConfigError } from '@thinkrl/spec';

/** Joins the ranks that torchrun or `thinkrl launch` started; this process alone when there are no others. */
export async function joinRanks(
  environment: RankEnvironment = rankEnvironment(process.env),
): Promise<ShardingGroup> {
  return environment.worldSize === 1 ? singleProcess() : joinGroup(environment);
}

/**
 * The part of a list that a rank deals with: consecutive entries, as many as any other rank's or one more. All parts in rank
 * order are the list, so what is done with an entry does not depend on how many ranks there are.
 *
 * @example
 * dealt(['a', 'b', 'c'], { rank: 1, worldSize: 2 }); // ['b', 'c']
 */
export function dealt<T>(
  list: readonly T[],
  { rank, worldSize }: Pick<RankEnvironment, 'rank' | 'worldSize'>,
): readonly T[] {
  const from = (part: number) => Math.floor((list.length * part) / worldSize);
  return list.slice(from(rank), from(rank + 1));
}

/** The ranks that share weights out, and those that keep the same part; null where the former are all. */
export interface SharingGroups {
  readonly group: ShardingGroup;
  readonly replicas: ShardingGroup | null;
}

/**
 * Does `work` with the world split into groups of `ranks`, or in one with 0. They are groups of their own beside the world's:
 * what they collect and what the world does meanwhile are in no order.
 *
 * @throws ConfigError when the world is no multiple of `ranks`.
 */
export async function withSharing<Result>(
  world: ShardingGroup,
  ranks: number,
  work: (groups: SharingGroups) => Promise<Result>,
): Promise<Result> {
  const { worldSize } = world;
  if (worldSize === 1) return work({ group: world, replicas: null });
  const sharing = ranks === 0 ? worldSize : ranks;
  if (worldSize % sharing !== 0)
    throw new ConfigError({
      field: 'sharding.ranks',
      value: ranks,
      fix: `use a divisor of the ${worldSize} ranks, or 0 for all`,
    });
  const environment = rankEnvironment(process.env);
  const mesh = meshOf(world, sharing);
  const group = await joinPart(environment, mesh.node);
  const replicas = sharing === worldSize ? null : await joinPart(environment, mesh.replicas);
  return withGroup(group, () =>
    replicas === null ? work({ group, replicas }) : withGroup(replicas, () => work({ group, replicas })),
  );
}

/** The device of a rank: on GPUs each rank of a machine has its own. */
export function deviceOfRank(device: string, { worldSize, localRank }: RankEnvironment): string {
  return worldSize > 1 && device.startsWith('cuda') ? `cuda:${localRank}` : device;
}
