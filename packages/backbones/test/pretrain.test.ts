import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  type PretrainOptions,
  type PretrainProgress,
  pretrainEditor,
  pretrainUnderstander,
} from '../src/micro/index.ts';
import { bucketedBatches } from '../src/micro/pretrain/bucket.ts';
import { useCpu } from './engine.ts';

await useCpu();

const settings: PretrainOptions = {
  key: Key.of(3),
  steps: 6,
  batchSize: 4,
  learningRate: 1e-2,
  size: { width: 16, blocks: 1, heads: 2 },
  reportEvery: 3,
};

describe.each([
  ['understander', pretrainUnderstander, ['plan', 'reflection', 'perception']],
  ['editor', pretrainEditor, ['changed', 'kept']],
] as const)('pre-training the %s', (_, pretrain, terms) => {
  it('follows from its key alone, learns, reports and frees everything else', async () => {
    const before = tf.memory().numTensors;
    const progress: PretrainProgress[] = [];
    const run = () => pretrain({ ...settings, onProgress: (report) => void progress.push(report) });
    const [first, second] = [await run(), await run()];
    const other = await pretrain({ ...settings, key: Key.of(4) });
    const flat = (model: typeof first) =>
      [...model.parameters().values()].map((variable) => [...variable.dataSync()]);
    expect(flat(second)).toEqual(flat(first));
    expect(flat(other)).not.toEqual(flat(first));
    expect(progress.map(({ step }) => step)).toEqual([3, 6, 3, 6]);
    expect(Object.keys(progress[0]!.losses)).toEqual(terms);
    const total = ({ losses }: PretrainProgress) =>
      Object.values(losses).reduce((sum, value) => sum + value, 0);
    expect(total(progress[1]!)).toBeLessThan(total(progress[0]!));
    for (const model of [first, second, other]) model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses impossible settings', async () => {
    await expect(pretrain({ ...settings, steps: 0 })).rejects.toThrow(ConfigError);
    await expect(pretrain({ ...settings, batchSize: 1.5 })).rejects.toThrow(ConfigError);
    await expect(pretrain({ ...settings, size: { width: 10, blocks: 1, heads: 3 } })).rejects.toThrow(
      ConfigError,
    );
  });
});

describe('bucketedBatches', () => {
  const draw = (key: Key, count: number) =>
    Array.from({ length: count }, (_, i) => key.fold(i).stream().integer(50));
  const batches = (key: Key) =>
    bucketedBatches({ batchSize: 5, batches: 3, length: (n: number) => n, draw, key });

  it('serves every sample of a pool once, in batches that do not overlap in length', () => {
    const batch = batches(Key.of(1));
    const served = [0, 1, 2].map((step) => batch(step));
    expect(served.flat().sort((a, b) => a - b)).toEqual(
      [...draw(Key.of(1).fold(0), 15)].sort((a, b) => a - b),
    );
    const ranges = served
      .map((values) => [Math.min(...values), Math.max(...values)] as const)
      .sort((a, b) => a[0] - b[0]);
    expect(ranges[0]![1]).toBeLessThanOrEqual(ranges[1]![0]);
    expect(ranges[1]![1]).toBeLessThanOrEqual(ranges[2]![0]);
  });

  it('gives the same batch for a step, whatever was asked before', () => {
    const [a, b] = [batches(Key.of(1)), batches(Key.of(1))];
    const straight = [0, 1, 2, 3, 4].map((step) => a(step));
    expect(b(4)).toEqual(straight[4]);
    expect(b(1)).toEqual(straight[1]);
  });
});
