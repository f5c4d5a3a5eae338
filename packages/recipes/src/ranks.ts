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
