import { joinGroup } from '@thinkrl/engine';
import {
  type RankEnvironment,
  rankEnvironment,
  type ShardingGroup,
  singleProcess,
} from '@thinkrl/fsdp-shard';

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
