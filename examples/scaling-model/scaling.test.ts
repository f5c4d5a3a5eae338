import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { gatherTime, shardsOf } from './gather.ts';
import { memoryOf } from './memory.ts';
import { stepTime } from './step-time.ts';
import { forwardFlops, qwenImageEdit, type Workload } from './workload.ts';

const cluster: Cluster = {
  flops: 100,
  memory: 10,
  memoryBytes: 1000,
  link: 25,
  network: 10,
  gpusPerNode: 8,
};
const work: Workload = {
  editorBytes: 100,
  blocks: 2,
  width: 1,
  flopsPerToken: 42,
  tokens: 1,
  plannerBytes: 5,
  words: 4,
  adapterParameters: 3,
  tasksPerGpu: 1,
  groupSize: 6,
  denoisingSteps: 5,
  window: 2,
  sampledAtOnce: 4,
  trainedAtOnce: 1,
  fixShare: 0,
  keptShare: 1,
  questionsPerPicture: 2,
  answersPerJudge: 3,
};

describe('gatherTime', () => {
  it('takes what a GPU lacks over its links', () => {
    expect(gatherTime(100, 1, cluster)).toBe(0);
    expect(gatherTime(100, 4, cluster)).toBe(75 / 25);
  });

  it('is bound by the network when half of the weights lie on another node', () => {
    // 15/16 of 100 over 25 would take 3.75
    expect(gatherTime(100, 16, cluster)).toBe(50 / 10);
  });
});

it('counts the GPUs that hold a copy between them', () => {
  expect(
    (['whole', 'node', 'all'] as const).map((sharding) => [4, 64].map((n) => shardsOf(sharding, n, cluster))),
  ).toEqual([
    [1, 1],
    [4, 8],
    [4, 64],
  ]);
});

describe('stepTime', () => {
  it('adds up passes where nothing is random and nothing is gathered', () => {
    // One pass: 42 + 4 * 1 * 1 * 2 = 50 FLOP, 0.5 s.
    expect(forwardFlops(work)).toBe(50);
    const step = stepTime(work, cluster, { gpus: 1, sharding: 'whole', judges: 1 }, Key.of(1));
    // plan and reflection: 2 * 4 * 5 / 10; edit: 6 chains * 5 steps * 2; update: 6 chains * 2 steps * 2 * 3 passes;
    // judge: 6 pictures * 2 questions / 3 per second, nothing else to sample meanwhile.
    expect(step).toMatchObject({
      plan: 4,
      edit: 30,
      update: 36,
      judge: 4,
      exposed: 0,
      waiting: 0,
      total: 74,
    });
  });

  it('shows the weights that computing does not hide, and the first block always', () => {
    const { exposed, edit } = stepTime(work, cluster, { gpus: 4, sharding: 'all', judges: 4 }, Key.of(1));
    // Gathering takes 3 s. Sampled: batches of 4 and 2 compute 2 and 1 s: 1 + 2 / 2 and 2 + 1 / 2, 10 passes each.
    expect(edit).toBeCloseTo(10 * (2 + 2 + 1 + 2.5), 9);
    // Trained: gathers 6 s beside 1.5 s of computing: 4.5 + 1.5 / 2, 4 passes of 6 chains.
    expect(exposed).toBeCloseTo(10 * (2 + 2.5) + 24 * 5.25, 9);
  });

  it('waits longer for the slowest of many', () => {
    const random = { ...work, fixShare: 0.4, keptShare: 0.5 };
    const waiting = [2, 16, 128].map(
      (gpus) => stepTime(random, cluster, { gpus, sharding: 'whole', judges: gpus }, Key.of(2)).waiting,
    );
    expect(waiting).toEqual([...waiting].sort((a, b) => a - b));
    expect(waiting[2]).toBeGreaterThan(waiting[0]!);
  });
});

it('fits the editor in 80 GB whole and says what sharding leaves', () => {
  const large = { ...cluster, memoryBytes: 80e9 };
  const whole = memoryOf(qwenImageEdit, large, 1, 'whole');
  expect(whole.adapter / 1e9).toBeCloseTo(6.8, 1);
  expect(whole.total).toBeLessThan(80e9);
  const parts = memoryOf({ ...work, trainedAtOnce: 0 }, cluster, 4, 'all');
  // 100 / 4 of the editor, two blocks of 50, the planner, 3 parameters of 16 bytes on 4 GPUs
  expect(parts).toMatchObject({
    editor: 25,
    gathered: 100,
    planner: 5,
    adapter: 12,
    activations: 0,
    total: 142,
  });
});
