import { setTimeout as pause } from 'node:timers/promises';
import { fromEveryRank, type ProcessGroup } from '@thinkrl/fsdp-shard';
import { isStop, unlessStopped } from './unless-stopped.ts';

/** Work that every rank does by itself, one longer than another. */
export interface SeparateWork<T> {
  readonly group: ProcessGroup;
  /** Asks the work of all ranks to end, on whichever it is aborted. */
  readonly signal: AbortSignal | undefined;
  /** Seconds between two meetings of the ranks; 1 unless given. */
  readonly meetEvery?: number;
  /** Resolves when the work has no collectives of its own ahead, between which a meeting would come; at once unless given. */
  readonly apart?: Promise<void> | undefined;
  /** Is given up when its signal is aborted. */
  work(signal: AbortSignal | undefined): Promise<T>;
}

/**
 * What this rank's work gives, once all ranks have done theirs; null on every rank when one of them was told to stop before
 * that.
 *
 * Ranks that wait and ranks that work meet every second: a judge that keeps one rank for an hour breaks no time limit of the
 * others' collectives, and a signal that reaches one rank ends the work of all.
 *
 * @throws whatever the work of this rank throws.
 * @example
 * const work = (stop?: AbortSignal) => collect(options, { tasks, stochastic, key, signal: stop });
 * const collection = await besideOthers({ group, signal, work });
 */
export async function besideOthers<T>(separate: SeparateWork<T>): Promise<T | null> {
  const { group, signal, meetEvery = 1, apart, work } = separate;
  if (group.worldSize === 1) return unlessStopped(work(signal), signal);
  const giveUp = new AbortController();
  const own: { result?: Result<T> } = {};
  const either = signal === undefined ? giveUp.signal : AbortSignal.any([signal, giveUp.signal]);
  const ended = settled(work(either)).then((result) => {
    own.result = result;
  });
  await Promise.race([ended, apart]);
  for (;;) {
    await Promise.race([ended, pause(1000 * meetEvery, undefined, { ref: false })]);
    const { result } = own;
    if (result !== undefined && 'error' in result && !isStop(result.error, signal)) throw result.error;
    const done = result !== undefined && 'value' in result ? result : null;
    const all = await fromEveryRank(group, { stops: signal?.aborted === true, works: done === null });
    if (!all.some(({ works }) => works)) return done!.value;
    if (!all.some(({ stops }) => stops)) continue;
    giveUp.abort(signal?.reason);
    await ended;
    return null;
  }
}

type Result<T> = { readonly value: T } | { readonly error: unknown };

function settled<T>(work: Promise<T>): Promise<Result<T>> {
  return work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
