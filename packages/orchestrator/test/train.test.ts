import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { dispose, memory, type Variable, zeros } from '@tensorflow/tfjs-core';
import { ReferenceCache } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import { type ProcessGroup, singleProcess } from '@thinkrl/fsdp-shard';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import { AdamW, WeightSnapshot } from '@thinkrl/nn';
import { type Chain, type EditTask, Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createRunFolder,
  createTrainingState,
  createUnderstandingUpdate,
  DivergedError,
  loadCheckpoint,
  type Reward,
  readMetrics,
  rewindMetrics,
  ridingOutages,
  runFolder,
  savedSteps,
  type TrainingRun,
  train,
} from '../src/index.ts';
import { banditPolicy, banditSampler, brightness, task } from './bandit.ts';

interface BanditRun {
  readonly run: TrainingRun<EditTask>;
  readonly root: string;
  readonly logits: Variable;
}

interface BanditOptions {
  readonly root?: string;
  readonly from?: number;
  readonly iterations?: number;
  readonly innerUpdates?: number;
  readonly signal?: AbortSignal;
  readonly scale?: number;
  /** The rank that this is; on the tasks of both without one, else on every so manieth. */
  readonly group?: ProcessGroup;
}

async function banditRun(options: BanditOptions = {}): Promise<BanditRun> {
  const { iterations = 12, from = 0, innerUpdates = 1, group = singleProcess() } = options;
  const root = options.root ?? join(mkdtempSync(join(tmpdir(), 'bandit-')), 'run');
  const folder = from > 0 || group.rank > 0 ? runFolder(root) : createRunFolder(root, {});
  const policy = banditPolicy(options.scale);
  const parameters = policy.parameters();
  const optimizer = AdamW.create({ parameters, learningRate: 0.2, weightDecay: 0 });
  const modules = [{ name: 'understanding' as const, parameters, optimizer }];
  const reference = new WeightSnapshot(parameters);
  if (from > 0) await loadCheckpoint({ ...folder, iteration: from, modules, processGroup: group });
  if (group.rank === 0) rewindMetrics(folder.metrics, from);
  const run: TrainingRun<EditTask> = {
    iterations,
    key: Key.of(3),
    processGroup: group,
    tasksOf: (iteration) =>
      [task(`${iteration}.0`), task(`${iteration}.1`)].filter((_, i) => i % group.worldSize === group.rank),
    window: () => [],
    collecting: {
      sampler: banditSampler(policy),
      reward: brightness,
      groupSize: 8,
      sampling: { temperature: 1 },
      tasksPerSample: 1,
    },
    credit: { group: ucpg, mode: 'stage', improvementFloor: 0.05 },
    updates: {
      understanding: createUnderstandingUpdate({
        policy,
        optimizer,
        reference,
        processGroup: group,
        temperature: 1,
        objective: { aggregation: 'bnpo', beta: 0.02 },
        innerUpdates,
        maxGradientNorm: 1,
      }),
      generation: null,
    },
    state: createTrainingState({
      folder,
      modules,
      iteration: from,
      checkpointEvery: 5,
      keepCheckpoints: 2,
      skippedLimit: 2,
      processGroup: group,
      observers: [],
    }),
    ...(options.signal && { signal: options.signal }),
  };
  return { run, root, logits: parameters.get('logits')! };
}

beforeAll(async () => {
  await useEngine({ engine: 'cpu' });
});

const withoutTimes = (root: string) =>
  readMetrics(join(root, 'metrics.jsonl')).map(({ seconds, ...report }) => report);

describe('train', () => {
  it('raises the reward, on policy, and keeps the last two checkpoints', async () => {
    const { run, root } = await banditRun();
    await train(run);
    const reports = readMetrics(join(root, 'metrics.jsonl'));
    const brightnessAt = (i: number) => reports.at(i)!.rewards.brightness!;
    expect(brightnessAt(0)).toBeLessThan(0.7);
    expect(brightnessAt(-1)).toBeGreaterThan(0.8);
    expect(reports.map(({ understanding }) => understanding!.firstRatioGap)).toEqual(Array(12).fill(0));
    for (const { understanding } of reports) expect(understanding!.rolloutGap).toBeLessThan(1e-6);
    expect(savedSteps(join(root, 'checkpoints'))).toEqual([10, 12]);
  });

  it('resumes to exactly what the uninterrupted run does, also after a crash between checkpoints', async () => {
    const whole = await banditRun();
    await train(whole.run);
    const stopped = await banditRun({ iterations: 7 });
    await train(stopped.run);
    const resumed = await banditRun({ root: stopped.root, from: 5 });
    await train(resumed.run);
    expect(withoutTimes(resumed.root)).toEqual(withoutTimes(whole.root));
    expect(await resumed.logits.data()).toEqual(await whole.logits.data());
  });

  it('stops after the iteration in which it is aborted, saved', async () => {
    const controller = new AbortController();
    const { run, root } = await banditRun({ signal: controller.signal });
    const advance = run.state.advance.bind(run.state);
    run.state.advance = async (report, groups) => {
      if (report.iteration === 3) controller.abort();
      return advance(report, groups);
    };
    await train(run);
    expect(readMetrics(join(root, 'metrics.jsonl'))).toHaveLength(3);
    expect(savedSteps(join(root, 'checkpoints'))).toEqual([3]);
  });

  it('stops at once, saved, while it waits for a judge that is away', async () => {
    const controller = new AbortController();
    const { run, root } = await banditRun({ signal: controller.signal });
    const awayFrom3: Reward<EditTask> = {
      dimensions: brightness.dimensions,
      async judge(chains, key) {
        const judged = await brightness.judge(chains, key);
        if (!chains[0]!.task.id.startsWith('3.')) return judged;
        const unjudged = [{ rewards: [], answers: [], unjudged: 'no server' }];
        return judged.map((member) => ({ ...member, stages: unjudged }));
      },
    };
    const { signal } = controller;
    const reward = ridingOutages(awayFrom3, { firstPause: 100, signal, onPause: () => controller.abort() });
    await train({ ...run, collecting: { ...run.collecting, reward } });
    expect(readMetrics(join(root, 'metrics.jsonl'))).toHaveLength(2);
    expect(savedSteps(join(root, 'checkpoints'))).toEqual([2]);
  });

  it('stops at once, saved, while it waits for its tasks', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const { run, root } = await banditRun({ signal });
    const tasksOf: TrainingRun<EditTask>['tasksOf'] = async (iteration, told) => {
      if (iteration < 3) return run.tasksOf(iteration);
      setTimeout(() => controller.abort(), 10);
      return pause(100_000, [], told && { signal: told });
    };
    await train({ ...run, tasksOf });
    expect(readMetrics(join(root, 'metrics.jsonl'))).toHaveLength(2);
    expect(savedSteps(join(root, 'checkpoints'))).toEqual([2]);
  });

  it('hears a signal before the next checkpoint at iteration 5 while it runs: the loop gives way to the event loop', async () => {
    const controller = new AbortController();
    const { run, root } = await banditRun({ signal: controller.signal, iterations: 40 });
    process.once('SIGUSR2', () => controller.abort());
    const advance = run.state.advance.bind(run.state);
    run.state.advance = async (report, groups) => {
      if (report.iteration === 3) process.kill(process.pid, 'SIGUSR2');
      return advance(report, groups);
    };
    await train(run);
    expect(readMetrics(join(root, 'metrics.jsonl')).length).toBeLessThan(5);
  });

  it('clips and keeps learning with several optimiser steps per roll-out; the first ratio is 1', async () => {
    const { run, root } = await banditRun({ innerUpdates: 4, iterations: 6 });
    await train(run);
    const reports = readMetrics(join(root, 'metrics.jsonl'));
    expect(reports.every(({ understanding }) => understanding!.firstRatioGap === 0)).toBe(true);
    expect(reports.at(-1)!.rewards.brightness).toBeGreaterThan(reports[0]!.rewards.brightness!);
  });

  it('leaks no tensor from iteration to iteration', async () => {
    const { run } = await banditRun({ iterations: 4 });
    const counts: number[] = [];
    const advance = run.state.advance.bind(run.state);
    run.state.advance = async (report, groups) => {
      counts.push(memory().numTensors);
      return advance(report, groups);
    };
    await train(run);
    expect(new Set(counts).size).toBe(1);
  });

  it('keeps the features of references for one iteration at a time', async () => {
    const { run } = await banditRun({ iterations: 3 });
    let encoded = 0;
    const references = new ReferenceCache((images) => {
      encoded += images.length;
      return zeros([images.length, 1]);
    });
    const watched = {
      ...brightness,
      judge: async (chains: readonly Chain[], key: Key) => {
        dispose(references.features(chains.map(({ task }) => task.references[0]!)));
        return brightness.judge(chains, key);
      },
    };
    // One picture stands for all tasks; an iteration judges twice.
    await train({ ...run, references, collecting: { ...run.collecting, reward: watched } });
    expect(encoded).toBe(3);
    expect(references.size).toBe(0);
  });

  it('leaves a non-finite update out and stops when they go on', async () => {
    const { run, root, logits } = await banditRun({ scale: Number.NaN });
    await expect(train(run)).rejects.toThrow(DivergedError);
    const reports = readMetrics(join(root, 'metrics.jsonl'));
    expect(reports.map(({ understanding }) => understanding!.skipped)).toEqual(['non-finite', 'non-finite']);
    expect([...(await logits.data())]).toEqual([0, 0, 0, 0]);
  });
});

describe('train over several ranks', () => {
  const rootOf = () => join(mkdtempSync(join(tmpdir(), 'bandit-')), 'run');
  const numbersOf = (root: string) =>
    JSON.stringify(withoutTimes(root))
      .match(/-?\d+(\.\d+)?(e-\d+)?/g)!
      .map(Number);

  it.each([
    [2, 'each a task'],
    [3, 'one without a task'],
  ])('%i of them, %s, come to what one comes to, and the first keeps its record', async (worldSize) => {
    const alone = await banditRun({ innerUpdates: 2 });
    await train(alone.run);
    const root = rootOf();
    const ranks = await Promise.all(
      fakeWorld(worldSize).map((group) => banditRun({ innerUpdates: 2, root, group })),
    );
    await Promise.all(ranks.map(({ run }) => train(run)));
    const found = numbersOf(root);
    expect(found).toHaveLength(numbersOf(alone.root).length);
    numbersOf(alone.root).forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 5);
    });
    const expected = await alone.logits.data();
    for (const { logits } of ranks) {
      const values = await logits.data();
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 5);
      });
    }
  });

  it('stops on all of them, saved, while one waits for its tasks and another is told to stop', async () => {
    const controller = new AbortController();
    const root = rootOf();
    const ranks = await Promise.all(fakeWorld(2).map((group) => banditRun({ root, group })));
    const [first, second] = ranks.map(({ run }) => run);
    const tasksOf: TrainingRun<EditTask>['tasksOf'] = async (iteration, told) => {
      if (iteration < 3) return first!.tasksOf(iteration);
      setTimeout(() => controller.abort(), 10);
      return pause(100_000, [], told && { signal: told });
    };
    await Promise.all([train({ ...first!, tasksOf }), train({ ...second!, signal: controller.signal })]);
    expect(readMetrics(join(root, 'metrics.jsonl'))).toHaveLength(2);
    expect(savedSteps(join(root, 'checkpoints'))).toEqual([2]);
  });

  it('stops on all of them, saved, when the signal cuts the sampling of one short', async () => {
    const controller = new AbortController();
    const root = rootOf();
    const ranks = await Promise.all(fakeWorld(2).map((group) => banditRun({ root, group })));
    const cut: Reward<EditTask> = {
      dimensions: brightness.dimensions,
      async judge(chains, key) {
        if (!chains[0]!.task.id.startsWith('3.')) return brightness.judge(chains, key);
        controller.abort();
        throw controller.signal.reason;
      },
    };
    const [first, second] = ranks.map(({ run }) => run);
    const collecting = { ...second!.collecting, reward: cut };
    await Promise.all([train(first!), train({ ...second!, collecting, signal: controller.signal })]);
    expect(readMetrics(join(root, 'metrics.jsonl'))).toHaveLength(2);
    expect(savedSteps(join(root, 'checkpoints'))).toEqual([2]);
  });
});

describe('loadCheckpoint', () => {
  it('refuses a damaged checkpoint and names the last whole one', async () => {
    const { run, root } = await banditRun();
    await train(run);
    const folder = join(root, 'checkpoints');
    const file = join(folder, 'step-12', 'understanding.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    await expect(loadCheckpoint({ checkpoints: folder, iteration: 12, modules: [] })).rejects.toThrow(
      /understanding.safetensors.*step-10 is whole/,
    );
  });

  it('refuses a newer format', async () => {
    const { run, root } = await banditRun({ iterations: 5 });
    await train(run);
    const path = join(root, 'checkpoints', 'step-5', 'manifest.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), format: 99 }));
    await expect(loadCheckpoint({ ...runFolder(root), iteration: 5, modules: [] })).rejects.toThrow(
      'newer version (format 99',
    );
    expect(readdirSync(join(root, 'checkpoints'))).toEqual(['step-5']);
  });
});
