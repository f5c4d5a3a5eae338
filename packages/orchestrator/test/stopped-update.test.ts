import { join } from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMetrics, savedSteps, train } from '../src/index.ts';
import { type Module, type PairOptions, pairRun } from './pair.ts';

/** Two optimiser steps for each module, each by several portions, and a reference that scores these before. */
const settings: PairOptions = { iterations: 4, innerUpdates: 2, beta: 0.05, atOnce: 2 };

beforeAll(async () => {
  await useEngine({ engine: 'cpu' });
});

type Pair = Awaited<ReturnType<typeof pairRun>>;

const metricsOf = (root: string) =>
  readMetrics(join(root, 'metrics.jsonl')).map(({ seconds, ...report }) => report);

const stepsOf = (root: string) => savedSteps(join(root, 'checkpoints'));

const endOf = ({ root, weights }: Pair) => ({ metrics: metricsOf(root), weights: weights.at(-1) });

/** How often modules are scored in the updates of each iteration. */
type Counts = Readonly<Record<number, Readonly<Record<Module, number>>>>;

/** A run that is let alone. */
async function undisturbed(options: PairOptions) {
  const counts: Record<number, Record<Module, number>> = {};
  const scored = (module: Module, iteration: number) => {
    counts[iteration] ??= { understanding: 0, generation: 0 };
    counts[iteration][module] += 1;
    return 1;
  };
  const pair = await pairRun({ ...options, scored });
  await train(pair.run);
  return { ...pair, counts: counts as Counts };
}

/** A scoring in an update, by its share of all that its module has in an iteration. */
interface Place {
  readonly module: Module;
  readonly share: number;
  readonly iteration: number;
}

/** Calls `told` when a place is reached, and counts what is scored after it. */
function watching({ module, share, iteration }: Place, counts: Counts, told: () => void) {
  const due = Math.ceil(share * counts[iteration]![module] - 1e-9);
  const seen = { before: 0, after: 0 };
  const scored = (of: Module, at: number) => {
    if (seen.before === due) seen.after += 1;
    else if (of === module && at === iteration && ++seen.before === due) told();
    return 1;
  };
  return { scored, seen };
}

/** A run that is told to stop at a place; how often it scores from then on, and how many tensors that leaves behind. */
async function stopped(options: PairOptions, place: Place, counts: Counts) {
  const controller = new AbortController();
  const { scored, seen } = watching(place, counts, () => controller.abort());
  const pair = await pairRun({ ...options, scored, signal: controller.signal });
  const advance = pair.run.state.advance.bind(pair.run.state);
  let tensors: number | null = null;
  pair.run.state.advance = async (report, groups) => {
    await advance(report, groups);
    tensors = memory().numTensors;
  };
  await train(pair.run);
  expect(controller.signal.aborted).toBe(true);
  return { root: pair.root, scoredAfter: seen.after, left: memory().numTensors - (tensors ?? Number.NaN) };
}

/** The run in a folder, gone on with from its newest checkpoint. */
async function resumed(options: PairOptions, root: string) {
  const pair = await pairRun({ ...options, root, from: stepsOf(root).at(-1) ?? 0 });
  await train(pair.run);
  return pair;
}

/** The reference makes a third of a module's scorings, then each step takes a third. */
const places = [
  { where: 'the reference scores the first module', module: 'understanding', share: 0.1, stepped: false },
  { where: 'the first module is scored', module: 'understanding', share: 0.5, stepped: false },
  { where: 'the first step is due', module: 'understanding', share: 2 / 3, stepped: false },
  { where: 'the first module is scored again', module: 'understanding', share: 0.7, stepped: true },
  { where: 'the second step is due', module: 'understanding', share: 1, stepped: true },
  { where: 'the reference scores the second module', module: 'generation', share: 0.1, stepped: true },
  { where: 'the second module is scored', module: 'generation', share: 0.5, stepped: true },
  { where: 'the last step is due', module: 'generation', share: 1, stepped: true },
] as const;

describe('a signal while an update is under way', () => {
  let whole: Awaited<ReturnType<typeof undisturbed>>;
  beforeAll(async () => {
    whole = await undisturbed(settings);
    for (const count of [1, 3].flatMap((iteration) => Object.values(whole.counts[iteration]!)))
      expect(count % 3).toBe(0);
    expect(whole.counts[3]!.understanding / 3).toBeGreaterThan(3);
    expect(whole.counts[3]!.generation / 3).toBeGreaterThan(2);
  });

  it.each(places)('gives its iteration up at once: $where', async (place) => {
    const { root, scoredAfter, left } = await stopped(settings, { ...place, iteration: 3 }, whole.counts);
    expect([scoredAfter, left]).toEqual([0, 0]);
    expect(metricsOf(root)).toEqual(metricsOf(whole.root).slice(0, 2));
    expect(stepsOf(root)).toEqual([1, 2]);
    expect(endOf(await resumed(settings, root))).toEqual(endOf(whole));
  });

  it.each(places)('loses no iteration without a checkpoint: $where', async (place) => {
    const rarely = { ...settings, checkpointEvery: 5 };
    const { root, scoredAfter } = await stopped(rarely, { ...place, iteration: 3 }, whole.counts);
    const done = place.stepped ? 3 : 2;
    if (!place.stepped) expect(scoredAfter).toBe(0);
    expect(metricsOf(root)).toEqual(metricsOf(whole.root).slice(0, done));
    expect(stepsOf(root)).toEqual([done]);
    expect(endOf(await resumed(rarely, root))).toEqual(endOf(whole));
  });

  it.each(places)('leaves a run that begins anew in its first iteration: $where', async (place) => {
    const { root, scoredAfter } = await stopped(settings, { ...place, iteration: 1 }, whole.counts);
    expect(scoredAfter).toBe(0);
    expect(metricsOf(root)).toEqual([]);
    expect(stepsOf(root)).toEqual(place.stepped ? [] : [0]);
    expect(endOf(await resumed(settings, root))).toEqual(endOf(whole));
  });
});

describe.each([
  { having: 'a task', tasks: 1 },
  { having: 'no task', tasks: 0 },
])('a signal to one rank of two, which has $having, while an update is under way', ({ tasks }) => {
  type Rank = Pick<PairOptions, 'group' | 'tasks'>;
  const inBoth = <T>(work: (rank: Rank, number: number) => Promise<T>) =>
    Promise.all(
      fakeWorld(2).map((group) => work({ group, tasks: group.rank === 0 ? 2 : tasks }, group.rank)),
    );

  let whole: readonly Awaited<ReturnType<typeof undisturbed>>[];
  beforeAll(async () => {
    whole = await inBoth((rank) => undisturbed({ ...settings, ...rank }));
  });

  it.each(places)('gives its iteration up on both: $where', async (place) => {
    const controller = new AbortController();
    const { scored } = watching({ ...place, iteration: 3 }, whole[0]!.counts, () => controller.abort());
    const roots = await inBoth(async (rank, number) => {
      const own = number === 0 ? { scored } : { signal: controller.signal };
      const { run, root } = await pairRun({ ...settings, ...rank, ...own });
      await train(run);
      return root;
    });
    for (const root of roots) {
      expect(metricsOf(root)).toEqual(metricsOf(whole[0]!.root).slice(0, 2));
      expect(stepsOf(root)).toEqual([1, 2]);
    }
    const ends = await inBoth((rank, number) => resumed({ ...settings, ...rank }, roots[number]!));
    expect(ends.map(endOf)).toEqual(whole.map(endOf));
  });
});
