import { useEngine } from '@thinkrl/engine';
import type { EditTask } from '@thinkrl/spec';
import { Key } from '@thinkrl/spec';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type CollectOptions, collect } from '../src/index.ts';
import { banditPolicy, banditSampler, brightness, task } from './bandit.ts';

await useEngine({ engine: 'cpu' });
const policy = banditPolicy();
const sampler = banditSampler(policy);
const judgements: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.advanceTimersByTime(1000 * seconds);

/** Two parts of one task each; sampling takes 3 s, after which the earlier part's judgement arrives. */
const collecting = (judge: CollectOptions<EditTask>['reward']['judge']): CollectOptions<EditTask> => ({
  sampler: {
    async sample(request) {
      pass(3);
      for (const deliver of judgements.splice(0)) deliver();
      return sampler.sample(request);
    },
  },
  reward: { dimensions: brightness.dimensions, judge },
  groupSize: 2,
  sampling: { temperature: 1 },
  tasksPerSample: 1,
});
const request = { tasks: [task('a'), task('b')], stochastic: [], key: Key.of(1) };

it('adds up the time of judges that work on the spot', async () => {
  const { seconds, judged } = await collect(
    collecting(async (chains, key) => {
      pass(2);
      return brightness.judge(chains, key);
    }),
    request,
  );
  // 3 + 2 + 3 + 2
  expect(seconds).toEqual({ sample: 10, judge: 4 });
  expect(judged.map(({ chain }) => chain.task.id)).toEqual(['a', 'a', 'b', 'b']);
});

it('counts a judge that works while the next part is sampled', async () => {
  const { seconds } = await collect(
    collecting(async (chains, key) => {
      const last = chains[0]!.task.id === 'b';
      if (last) pass(1);
      else await new Promise<void>((resolve) => judgements.push(resolve));
      return brightness.judge(chains, key);
    }),
    request,
  );
  // The first judgement takes the 3 s of the second sampling, the second 1 s of its own.
  expect(seconds).toEqual({ sample: 7, judge: 4 });
});

it('is given up while a judge goes on that does not listen, and before the next part is sampled', async () => {
  const stop = new AbortController();
  const heard: (AbortSignal | undefined)[] = [];
  const judge: CollectOptions<EditTask>['reward']['judge'] = (_, __, call) => {
    heard.push(call?.signal);
    return new Promise(() => {});
  };
  const waiting = collect(collecting(judge), { ...request, signal: stop.signal });
  await vi.waitUntil(() => heard.length === 2);
  stop.abort();
  await expect(waiting).rejects.toBe(stop.signal.reason);
  expect(heard).toEqual([stop.signal, stop.signal]);

  const stopped = collect(collecting(judge), { ...request, signal: stop.signal });
  await expect(stopped).rejects.toBe(stop.signal.reason);
  expect(heard).toHaveLength(2);
});
