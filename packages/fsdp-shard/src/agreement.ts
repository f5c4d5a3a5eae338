import { dispose, scalar } from '@tensorflow/tfjs-core';
import type { ProcessGroup } from './process-group.ts';

/**
 * Whether something is so on at least one rank; the same answer on all, so that they stop or go on together.
 *
 * @example
 * while (!(await onAnyRank(group, signal.aborted))) await iterate();
 */
export async function onAnyRank(group: ProcessGroup, here: boolean): Promise<boolean> {
  return (await leastOverRanks(group, here ? 0 : 1)) === 0;
}

/** The smallest of a number of each rank, such as the newest checkpoint that all have; exact up to 2^24. */
export async function leastOverRanks(group: ProcessGroup, own: number): Promise<number> {
  if (group.worldSize === 1) return own;
  const negative = scalar(-own);
  const [most] = await group.allReduce([negative], 'max');
  const least = 0 - (await most!.data())[0]!;
  dispose([negative, most!]);
  return least;
}
