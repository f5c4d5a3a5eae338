import { setTimeout as pause } from 'node:timers/promises';
import { memory } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { singleProcess } from '@thinkrl/fsdp-shard';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import { expect, it } from 'vitest';
import { besideOthers } from '../src/index.ts';

await useEngine({ engine: 'cpu' });

/** Work that takes so many milliseconds, or is given up. */
const lasting = (milliseconds: number) => (signal: AbortSignal | undefined) =>
  pause(milliseconds, `after ${milliseconds}`, signal && { signal });

it('gives every rank its own result once all are done, and meets meanwhile', async () => {
  const before = memory().numTensors;
  let meetings = 0;
  const results = fakeWorld(3).map((group, rank) => {
    const allReduce: typeof group.allReduce = (...call) => {
      if (rank === 0) meetings += 1;
      return group.allReduce(...call);
    };
    const work = lasting(100 * rank);
    return besideOthers({ group: { ...group, allReduce }, signal: undefined, meetEvery: 0.02, work });
  });
  expect(await Promise.all(results)).toEqual(['after 0', 'after 100', 'after 200']);
  expect(meetings).toBeGreaterThan(3);
  expect(memory().numTensors).toBe(before);
});

it('keeps out of the way of collectives that the work has', async () => {
  const order: string[] = [];
  const results = fakeWorld(2).map((group) => {
    let leave = () => {};
    const apart = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const allReduce: typeof group.allReduce = (...call) => {
      order.push('meeting');
      return group.allReduce(...call);
    };
    const work = async () => {
      await pause(100);
      await group.barrier();
      order.push('own');
      leave();
      return pause(50, 'done');
    };
    const watched = { ...group, allReduce };
    return besideOthers({ group: watched, signal: undefined, meetEvery: 0.01, apart, work });
  });
  expect(await Promise.all(results)).toEqual(['done', 'done']);
  expect(order.slice(0, 2)).toEqual(['own', 'own']);
  expect(order).toContain('meeting');
});

it('ends the work of all when one is told to stop', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 30);
  const results = fakeWorld(3).map((group, rank) => {
    const signal = rank === 1 ? stop.signal : new AbortController().signal;
    return besideOthers({ group, signal, meetEvery: 0.02, work: lasting(rank === 2 ? 0 : 100_000) });
  });
  expect(await Promise.all(results)).toEqual([null, null, null]);
});

it('ends the work of all when what one does hears the signal before the ranks meet', async () => {
  const stop = new AbortController();
  const results = fakeWorld(2).map((group, rank) => {
    const { signal } = rank === 0 ? stop : new AbortController();
    const work = (given?: AbortSignal) => lasting(100_000)(rank === 0 ? signal : given);
    return besideOthers({ group, signal, meetEvery: 0.02, work });
  });
  stop.abort();
  expect(await Promise.all(results)).toEqual([null, null]);
});

it('keeps what is done when the signal comes too late to save time', async () => {
  const stop = new AbortController();
  const results = fakeWorld(2).map((group) => {
    const work = async () => {
      stop.abort();
      return 'done';
    };
    return besideOthers({ group, signal: stop.signal, work });
  });
  expect(await Promise.all(results)).toEqual(['done', 'done']);
});

it('fails where the work fails', async () => {
  const [first, second] = fakeWorld(2);
  const failing = besideOthers({
    group: first!,
    signal: undefined,
    work: () => Promise.reject(new Error('the disk is full')),
  });
  void besideOthers({ group: second!, signal: undefined, work: lasting(0) });
  await expect(failing).rejects.toThrow('the disk is full');
  const alone = besideOthers({
    group: singleProcess(),
    signal: AbortSignal.abort(),
    work: () => Promise.reject(new Error('no judge')),
  });
  await expect(alone).rejects.toThrow('no judge');
});
