import { useEngine } from '@thinkrl/engine';
import { type Chain, type EditTask, type JudgedChain, Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { type Outage, type Reward, ridingOutages } from '../src/index.ts';
import { banditPolicy, banditSampler, brightness, task } from './bandit.ts';

await useEngine({ engine: 'cpu' });
const sampler = banditSampler(banditPolicy());
const chains = await sampler.sample({
  tasks: [task('a'), task('b')],
  groupSize: 2,
  editsPerPlan: 1,
  sampling: { temperature: 1 },
  stochastic: [],
  key: Key.of(1),
});
const key = Key.of(2);
const whole = await brightness.judge(chains, key);

/** Judges all but the chains that `away` names at the time of the call; `calls` keeps what was asked. */
function flaky(away: (call: number, chain: Chain) => boolean): Reward<EditTask> & { calls: Chain[][] } {
  const calls: Chain[][] = [];
  return {
    calls,
    dimensions: brightness.dimensions,
    async judge(asked, under) {
      calls.push([...asked]);
      const judged = await brightness.judge(asked, under);
      return judged.map((member) => (away(calls.length, member.chain) ? unjudged(member) : member));
    },
  };
}

function unjudged(member: JudgedChain): JudgedChain {
  return {
    ...member,
    stages: member.stages.map(() => ({ rewards: [], answers: [], unjudged: 'no server' })),
  };
}

it('judges again what an outage left out, and ends where it would have ended without one', async () => {
  const judge = flaky((call, chain) => call === 1 || (call === 2 && chain.index === 0));
  const outages: Outage[] = [];
  const reward = ridingOutages(judge, {
    share: 0.5,
    firstPause: 0.001,
    onPause: (outage) => outages.push(outage),
  });
  expect(await reward.judge(chains, key)).toEqual(whole);
  expect(judge.calls.map((asked) => asked.length)).toEqual([4, 4, 2]);
  expect(outages).toEqual([
    { unjudged: 4, chains: 4, seconds: 0.001, reason: 'no server' },
    { unjudged: 2, chains: 4, seconds: 0.002, reason: 'no server' },
  ]);
});

it('leaves a few unjudged chains as they are', async () => {
  const judge = flaky((_, chain) => chain === chains[3]);
  const judged = await ridingOutages(judge, { firstPause: 0.001 }).judge(chains, key);
  expect(judge.calls).toHaveLength(1);
  expect(judged.slice(0, 3)).toEqual(whole.slice(0, 3));
  expect(judged[3]!.stages[0]!.unjudged).toBe('no server');
});

it('stops waiting when it is told to', async () => {
  const stop = new AbortController();
  const reward = ridingOutages(
    flaky(() => true),
    { firstPause: 100, signal: stop.signal, onPause: () => stop.abort() },
  );
  await expect(reward.judge(chains, key)).rejects.toMatchObject({ name: 'AbortError' });
});

it('stops waiting when its call is told to, and lets the judge hear of it', async () => {
  const stop = new AbortController();
  const heard: unknown[] = [];
  const away = flaky(() => true);
  const judge: typeof away.judge = (asked, under, call) => {
    heard.push(call?.signal);
    return away.judge(asked, under);
  };
  const reward = ridingOutages({ ...away, judge }, { firstPause: 100, onPause: () => stop.abort() });
  const waiting = reward.judge(chains, key, { signal: stop.signal });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(heard).toEqual([stop.signal]);
});

it.each([
  [{ share: 0 }, 'share'],
  [{ firstPause: 0 }, 'firstPause'],
  [{ firstPause: 10, longestPause: 5 }, 'longestPause'],
])('refuses %o', (options, field) => {
  expect(() => ridingOutages(brightness, options)).toThrow(field);
});
