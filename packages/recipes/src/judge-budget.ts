import type { RankEnvironment } from '@thinkrl/fsdp-shard';
import { ConfigError } from '@thinkrl/spec';

/** How many requests all ranks of a run together may have on their way at a server. */
export interface RequestBudget {
  /** The setting it is from. */
  readonly field: string;
  readonly requests: number;
}

/**
 * A rank's part of a budget: equal parts, what is left over to the lowest ranks. They add up to the budget, so that the
 * server never has more at once, and no rank has to ask another before it asks the server.
 *
 * @throws ConfigError when there is not one request for each rank.
 * @example
 * partOfBudget({ field: 'judge.concurrency', requests: 8 }, { rank: 0, worldSize: 3 }); // 3, and 3 and 2 for the others
 */
export function partOfBudget(
  { field, requests }: RequestBudget,
  { rank, worldSize }: Pick<RankEnvironment, 'rank' | 'worldSize'>,
): number {
  if (requests < worldSize)
    throw new ConfigError({ field, value: requests, fix: `use at least ${worldSize}, one for each rank` });
  return Math.floor(requests / worldSize) + (rank < requests % worldSize ? 1 : 0);
}
