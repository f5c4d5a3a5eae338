import { dispose, scalar, tensor1d } from '@tensorflow/tfjs-core';
import { OtherRankError } from './error.ts';
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

/** What each rank says, by rank and the same on all: any value that JSON keeps. */
export async function fromEveryRank<Value>(group: ProcessGroup, own: Value): Promise<readonly Value[]> {
  if (group.worldSize === 1) return [own];
  const text = Buffer.from(JSON.stringify(own));
  const words = -(await leastOverRanks(group, -Math.ceil(text.length / 4)));
  const padded = Buffer.alloc(4 * words, ' ');
  text.copy(padded);
  const mine = tensor1d(new Int32Array(new Uint8Array(padded).buffer), 'int32');
  const all = await group.allGather(mine);
  const bytes = Buffer.from((await all.data<'int32'>()).slice().buffer);
  dispose([mine, all]);
  return Array.from({ length: group.worldSize }, (_, rank) =>
    JSON.parse(bytes.toString('utf8', 4 * words * rank, 4 * words * (rank + 1))),
  ) as Value[];
}

/**
 * Does a rank's part of some work and gives what every rank's came to, by rank. When the work of one fails, it fails on all,
 * so that nobody waits for a rank that has given up.
 *
 * @throws the error of this rank, else OtherRankError with what the first that failed said.
 * @example
 * const written = await together(group, () => writeShard(group.rank));
 */
export async function together<Value>(
  group: ProcessGroup,
  work: () => Value | Promise<Value>,
): Promise<readonly Value[]> {
  const own = await outcomeOf(work);
  const all = await fromEveryRank(group, 'error' in own ? { problem: problemOf(own.error) } : own);
  if ('error' in own) throw own.error;
  return all.map((outcome, rank) => {
    if ('problem' in outcome) throw new OtherRankError(rank, outcome.problem);
    return outcome.value;
  });
}

async function outcomeOf<Value>(
  work: () => Value | Promise<Value>,
): Promise<{ readonly value: Value } | { readonly error: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
