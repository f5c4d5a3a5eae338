import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AdamW,
  attention,
  copyTensor,
  ExponentialAverage,
  gelu,
  globalNorm,
  hasKernel,
  KeyValueCache,
  layerNorm,
  linear,
  rmsNorm,
  silu,
  tokenLogProbs,
} from '../src/index.ts';
import { composedAttention } from '../src/ops/attention.ts';
import { composedGelu } from '../src/ops/gelu.ts';
import { composedLayerNorm } from '../src/ops/layer-norm.ts';
import { composedLinear } from '../src/ops/linear.ts';
import { composedRmsNorm } from '../src/ops/rms-norm.ts';
import { composedSilu } from '../src/ops/silu.ts';
import { composedTokenLogProbs } from '../src/ops/token-log-probs.ts';
import { composedGlobalNorm } from '../src/optim/global-norm.ts';
import { difference, torchIsHere, useCpu, values } from './engine.ts';

const here = await torchIsHere();
beforeAll(async () => {
  if (here) await tf.setBackend('torch');
});
afterAll(useCpu);

type Op = (...x: tf.Tensor[]) => tf.Tensor;
const ids = [1, 3, 0];
const idTensor = () => tf.tensor1d(ids, 'int32');
const mask = () => tf.tensor([1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1], [2, 1, 1, 6], 'bool');
const qkv = [
  [2, 3, 2, 4],
  [2, 6, 2, 4],
  [2, 6, 2, 4],
];
const attend =
  (fn: typeof attention, extra: () => object) => (query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) =>
    fn({ query, key, value, ...extra() } as never);

const pairs: [name: string, kernel: string, fused: Op, composed: Op, shapes: number[][]][] = [
  [
    'linear',
    'Linear',
    (x, w, b) => linear(x!, w!, b),
    (x, w, b) => composedLinear(x!, w!, b),
    [[2, 3, 5], [4, 5], [4]],
  ],
  [
    'linear without bias',
    'Linear',
    (x, w) => linear(x!, w!),
    (x, w) => composedLinear(x!, w!),
    [
      [3, 5],
      [4, 5],
    ],
  ],
  [
    'layer norm',
    'LayerNorm',
    (x, gain, bias) => layerNorm(x!, { gain, bias }),
    (x, gain, bias) => composedLayerNorm(x!, { gain, bias }),
    [[2, 3, 8], [8], [8]],
  ],
  ['plain layer norm', 'LayerNorm', (x) => layerNorm(x!), (x) => composedLayerNorm(x!), [[2, 3, 8]]],
  [
    'rms norm',
    'RmsNorm',
    (x, gain) => rmsNorm(x!, gain!),
    (x, gain) => composedRmsNorm(x!, gain!),
    [[2, 3, 8], [8]],
  ],
  ['gelu', 'Gelu', (x) => gelu(x!), (x) => composedGelu(x!), [[30]]],
  ['gelu tanh', 'Gelu', (x) => gelu(x!, 'tanh'), (x) => composedGelu(x!, 'tanh'), [[30]]],
  ['silu', 'Silu', (x) => silu(x!), (x) => composedSilu(x!), [[30]]],
  [
    'attention',
    'Attention',
    attend(attention, () => ({})) as Op,
    attend(composedAttention, () => ({})) as Op,
    qkv,
  ],
  [
    'masked attention',
    'Attention',
    attend(attention, () => ({ mask: mask() })) as Op,
    attend(composedAttention, () => ({ mask: mask() })) as Op,
    qkv,
  ],
  [
    'causal attention',
    'Attention',
    attend(attention, () => ({ causal: true, scale: 0.3 })) as Op,
    attend(composedAttention, () => ({ causal: true, scale: 0.3 })) as Op,
    qkv,
  ],
  [
    'token log-probabilities',
    'TokenLogProb',
    (x) => tokenLogProbs(x as tf.Tensor2D, idTensor()).logProbs,
    (x) => composedTokenLogProbs(x as tf.Tensor2D, idTensor()).logProbs,
    [[3, 5]],
  ],
  [
    'token entropies',
    'TokenLogProb',
    (x) => tokenLogProbs(x as tf.Tensor2D, idTensor()).entropies,
    (x) => composedTokenLogProbs(x as tf.Tensor2D, idTensor()).entropies,
    [[3, 5]],
  ],
];

describe.skipIf(!here)('fused kernels equal their compositions', () => {
  it.each(pairs)('%s, values and gradients', (_, kernel, fused, composed, shapes) => {
    expect(hasKernel(kernel)).toBe(true);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = shapes.map((shape, index) => values(shape, `in${index}`));
      expect(difference(fused(...x), composed(...x))).toBeLessThan(1e-5);
      const weights = values(fused(...x).shape, 'weights');
      const slopes = (fn: Op) => tf.grads((...inputs) => tf.sum(tf.mul(fn(...inputs), weights)))(x);
      const [a, b] = [slopes(fused), slopes(composed)];
      a.forEach((gradient, index) => {
        expect(difference(gradient, b[index]!), `input ${index}`).toBeLessThan(1e-4);
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('AdamW, moving average, norm and copy', async () => {
    const run = async () => {
      const w = tf.variable(values([3, 4], 'w'));
      const parameters = new Map([['w', w]]);
      const optimizer = AdamW.create({ parameters, learningRate: 0.1, weightDecay: 0.1 });
      const average = new ExponentialAverage(parameters);
      for (let step = 0; step < 3; step++) {
        optimizer.step(new Map([['w', values([3, 4], `g${step}`)]]), { gradientScale: 0.5 });
        average.update(0.9);
      }
      const norm = globalNorm([w, values([7], 'n')]);
      expect(difference(norm, composedGlobalNorm([w, values([7], 'n')]))).toBeLessThan(1e-6);
      return [...(await w.data()), ...(await average.values().get('w')!.data()), (await norm.data())[0]!];
    };
    const fused = await run();
    await useCpu();
    const composed = await run();
    await tf.setBackend('torch');
    fused.forEach((value, i) => {
      expect(value).toBeCloseTo(composed[i]!, 5);
    });
  });

  it('copies do not see later in-place steps', () => {
    const w = tf.variable(values([3], 'w'));
    const copy = copyTensor<tf.Tensor>(w);
    const before = [...copy.dataSync()];
    AdamW.create({ parameters: new Map([['w', w]]), learningRate: 1 }).step(new Map([['w', tf.ones([3])]]));
    expect([...copy.dataSync()]).toEqual(before);
    expect([...w.dataSync()]).not.toEqual(before);
  });

  it('cache written in place equals concatenation', () => {
    const rows = (label: string, tokens: number) => values([2, tokens, 2, 3], label) as tf.Tensor4D;
    const cache = new KeyValueCache({ layers: 1, batch: 2, capacity: 7, heads: 2, size: 3 });
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      cache.append(0, { key: rows('k1', 4), value: rows('v1', 4) });
      cache.advance(4);
      const { key, value } = cache.append(0, { key: rows('k2', 2), value: rows('v2', 2) });
      expect(difference(key, tf.concat([rows('k1', 4), rows('k2', 2)], 1))).toBe(0);
      expect(difference(value, tf.concat([rows('v1', 4), rows('v2', 2)], 1))).toBe(0);
    });
    expect(tf.memory().numTensors).toBe(before);
    cache.dispose();
  });
});
