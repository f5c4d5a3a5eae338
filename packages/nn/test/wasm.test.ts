import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { afterAll, describe, expect, it } from 'vitest';
import { convolution, embedding, groupNorm, headLogProbs, rotaryEmbedding, upsample } from '../src/index.ts';
import { useCpu, values } from './engine.ts';

afterAll(useCpu);

type Op = (...x: tf.Tensor[]) => tf.Tensor;

const ids = () => tf.tensor1d([1, 3, 1], 'int32');
const tables = () => {
  const angles = values([2, 2], 'angles');
  return { cosine: tf.cos(angles), sine: tf.sin(angles) };
};

const cases: [string, Op, number[][]][] = [
  ['embedding', (w) => embedding(w as tf.Tensor2D, ids()), [[5, 2]]],
  ['groupNorm', (x, gain, bias) => groupNorm(x!, { gain, bias }, { groups: 2 }), [[2, 3, 4], [4], [4]]],
  [
    'rotaryEmbedding',
    (x) => rotaryEmbedding(x as tf.Tensor4D, tables(), { interleaved: true }),
    [[1, 2, 2, 4]],
  ],
  [
    'headLogProbs',
    (hidden, weight) => headLogProbs({ hidden, weight } as never, ids()).logProbs,
    [
      [3, 2],
      [4, 2],
    ],
  ],
  [
    'convolution',
    (x, weight, bias) => convolution(x!, { weight: weight!, bias }),
    [[1, 3, 3, 2], [2, 2, 2, 2], [2]],
  ],
  [
    'convolution of volumes',
    (x, weight) => convolution(x!, { weight: weight! }, { before: [2, 0, 1] }),
    [
      [1, 2, 3, 3, 2],
      [2, 2, 3, 2, 1],
    ],
  ],
  ['upsample', (x) => upsample(x!, { size: [3, 5], mode: 'bilinear' }), [[1, 2, 3, 2]]],
];

/** Values, then gradients of their weighted sum. */
async function results(engine: 'cpu' | 'wasm', fn: Op, shapes: number[][]): Promise<number[]> {
  await useEngine({ engine });
  return tf.tidy(() => {
    const x = shapes.map((shape, index) => values(shape, `x${index}`));
    const y = fn(...x);
    const weights = values(y.shape, 'weights');
    const slopes = tf.grads((...inputs) => tf.sum(tf.mul(fn(...inputs), weights)))(x);
    return [y, ...slopes].flatMap((tensor) => [...tensor.dataSync()]);
  });
}

describe('compositions on wasm equal those on cpu, values and gradients', () => {
  it.each(cases)('%s', async (_, fn, shapes) => {
    const [wasm, cpu] = [await results('wasm', fn, shapes), await results('cpu', fn, shapes)];
    expect(wasm).toHaveLength(cpu.length);
    wasm.forEach((value, i) => {
      expect(value).toBeCloseTo(cpu[i]!, 4);
    });
  });
});
