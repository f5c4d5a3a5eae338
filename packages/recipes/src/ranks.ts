import { joinGroup, joinPart } from '@thinkrl/engine';
import {
  meshOf,
  type RankEnvironment,
  rankEnvironment,
  type ShardingGroup,
  singleProcess,
} from '@thinkrl/fsdp-shard';
import { ConfigError } from '@thinkrl/spec';

/** Joins the ranks that torchrun or `thinkrl launch` started; this process alone when there are no others. */
export async function joinRanks(
  environment: RankEnvironment = rankEnvironment(process.env),
): Promise<ShardingGroup> {
  return environment.worldSize === 1 ? singleProcess() : joinGroup(environment);
}

/** The run folder of a rank: that of rank 0 has the name that was asked for. */
export function folderOfRank(path: string, { rank }: Pick<RankEnvironment, 'rank'>): string {
  return rank === 0 ? path : `${path}-rank${rank}`;
}

/** The ranks that share weights out, and those that keep the same part; null where the former are all. */
export interface SharingGroups {
  readonly group: ShardingGroup;
  readonly replicas: ShardingGroup | null;
}

/**
 * Does `work` with the world split into groups of `ranks`, or in one with 0.
 *
 * @throws ConfigError when the world is no multiple of `ranks`.
 */
export async function withSharing<Result>(
  world: ShardingGroup,
  ranks: number,
  work: (groups: SharingGroups) => Promise<Result>,
): Promise<Result> {
  if (ranks === 0 || ranks === world.worldSize) return work({ group: world, replicas: null });
  if (world.worldSize % ranks !== 0)
    throw new ConfigError({
      field: 'sharding.ranks',
      value: ranks,
      fix: `use a divisor of the ${world.worldSize} ranks, or 0 for all`,
    });
  const environment = rankEnvironment(process.env);
  const mesh = meshOf(world, ranks);
  const group = await joinPart(environment, mesh.node);
  const replicas = await joinPart(environment, mesh.replicas);
  try {
    return await work({ group, replicas });
  } finally {
    await Promise.all([group.close(), replicas.close()]);
  }
}

/** The device of a rank: on GPUs each rank of a machine has its own. */
export function deviceOfRank(device: string, { worldSize, localRank }: RankEnvironment): string {
  return worldSize > 1 && device.startsWith('cuda') ? `cuda:${localRank}` : device;
}
