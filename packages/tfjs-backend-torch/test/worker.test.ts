import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { useTorch, values } from './torch.ts';
import { type Trained, train } from './training.ts';

beforeAll(useTorch);

const body = new URL('in-worker.ts', import.meta.url).href;
/** A worker does not take its first file as TypeScript. */
const start = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(body)}); });`;

function inWorker(seed: number): Promise<Trained> {
  return new Promise((resolve, reject) => {
    const execArgv = ['--conditions=@thinkrl/source'];
    const worker = new Worker(start, { eval: true, workerData: seed, execArgv });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

it('trains in two workers at once as it does alone, each engine with tensors of its own', async () => {
  const here = tf.tensor1d([1, 2, 3]);
  const together = await Promise.all([inWorker(1), inWorker(1000)]);
  const alone = [train(1), train(1000)];
  expect(together.map(({ weight }) => weight)).toEqual(alone.map(({ weight }) => weight));
  expect(alone[0]!.weight).not.toEqual(alone[1]!.weight);
  for (const { left, fault } of [...together, ...alone]) {
    expect(left).toBe(0);
    expect(fault).toBe('linear: x has 8 features, the weight takes 6 (inputs: float32 [6,8], float32 [8,6])');
  }
  expect(values(here)).toEqual([1, 2, 3]);
  here.dispose();
}, 60_000);
