import * as tf from '@tensorflow/tfjs-core';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  attention,
  causalConvolution,
  clipGlobalNorm,
  convolution,
  copyTensor,
  embedding,
  gatedSilu,
  gelu,
  groupNorm,
  headLogProbs,
  layerNorm,
  linear,
  randomNormal,
  randomUniform,
  rmsNorm,
  rotaryEmbedding,
  silu,
  tokenLogProbs,
  upsample,
} from '../src/index.ts';
import { difference, gradientError, useCpu, values } from './engine.ts';

await useCpu();

describe('values worked by hand', () => {
  it('linear: [1, 2] times [[1, 0], [0, 1], [1, 1]] plus [0, 0, 10]', () => {
    const y = linear(
      tf.tensor2d([[1, 2]]),
      tf.tensor2d([
        [1, 0],
        [0, 1],
        [1, 1],
      ]),
      tf.tensor1d([0, 0, 10]),
    );
    expect([...y.dataSync()]).toEqual([1, 2, 13]);
  });
  it('layer norm of [1, 3]: mean 2, deviation 1', () => {
    const y = layerNorm(tf.tensor2d([[1, 3]]), { gain: tf.tensor1d([2, 2]), bias: tf.tensor1d([0, 5]) }, 0);
    expect([...y.dataSync()]).toEqual([-2, 7]);
  });
  it('rms norm of [3, 4]: root mean square sqrt(12.5)', () => {
    const [a, b] = rmsNorm(tf.tensor2d([[3, 4]]), tf.ones([2]), 0).dataSync();
    expect(a).toBeCloseTo(3 / Math.sqrt(12.5), 5);
    expect(b).toBeCloseTo(4 / Math.sqrt(12.5), 5);
  });
  it('gelu(1) = 0.8413447 (normal distribution function), its tanh form 0.8411920; silu(1) = 0.7310586', () => {
    expect(gelu(tf.scalar(1)).dataSync()[0]).toBeCloseTo(0.8413447, 5);
    expect(gelu(tf.scalar(1), 'tanh').dataSync()[0]).toBeCloseTo(0.841192, 5);
    expect(silu(tf.scalar(1)).dataSync()[0]).toBeCloseTo(0.7310586, 5);
  });
  it('token log-probabilities of logits [0, ln 3]: 1/4 and 3/4', () => {
    const logits = tf.tensor2d([
      [0, Math.log(3)],
      [0, Math.log(3)],
    ]);
    const { logProbs, entropies } = tokenLogProbs(logits, tf.tensor1d([0, 1], 'int32'));
    const [first, second] = logProbs.dataSync();
    expect(first).toBeCloseTo(Math.log(0.25), 5);
    expect(second).toBeCloseTo(Math.log(0.75), 5);
    expect(entropies.dataSync()[0]).toBeCloseTo(-0.25 * Math.log(0.25) - 0.75 * Math.log(0.75), 5);
  });
  it('group norm of [1, 3 | 10, 30] in two groups: each has mean and deviation of its own', () => {
    const y = groupNorm(
      tf.tensor([1, 10, 3, 30], [1, 2, 2]),
      { bias: tf.tensor1d([0, 5]) },
      { groups: 2, epsilon: 0 },
    );
    [-1, 4, 1, 6].forEach((value, i) => {
      expect(y.dataSync()[i]).toBeCloseTo(value, 5);
    });
  });
  it('gated silu of 1 and 2: 2 times 0.7310586', () => {
    expect(gatedSilu(tf.scalar(1), tf.scalar(2)).dataSync()[0]).toBeCloseTo(1.4621172, 5);
  });
  it('rotary embedding by a right angle: neighbours (1, 2) become (-2, 1), halves (1, 3) become (-3, 1)', () => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 1, 1, 4]);
    const tables = { cosine: tf.zeros([1, 2]), sine: tf.ones([1, 2]) };
    expect([...rotaryEmbedding(x, tables, { interleaved: true }).dataSync()]).toEqual([-2, 1, -4, 3]);
    expect([...rotaryEmbedding(x, tables).dataSync()]).toEqual([-3, -4, 1, 2]);
  });
  it('head log-probabilities are those of the logits: hidden 1 by weights 0 and ln 3', () => {
    const head = { hidden: tf.tensor2d([[1]]), weight: tf.tensor2d([[0], [Math.log(3)]]) };
    expect(headLogProbs(head, tf.tensor1d([1], 'int32')).logProbs.dataSync()[0]).toBeCloseTo(
      Math.log(0.75),
      5,
    );
  });
  it('convolution of [1, 2, 3] with [1, 10] and a zero before: each and ten times the next', () => {
    const weights = { weight: tf.tensor([1, 10], [1, 1, 1, 2]), bias: tf.tensor1d([0.5]) };
    const y = convolution(tf.tensor([1, 2, 3], [1, 1, 3, 1]), weights, { before: [0, 1] });
    expect([...y.dataSync()]).toEqual([10.5, 21.5, 32.5]);
  });
  it('causal convolution over time sees nothing later', () => {
    const weights = { weight: values([1, 1, 3, 2, 2], 'weight') };
    const x = values([1, 4, 3, 2, 1], 'x') as tf.Tensor5D;
    const later = tf.concat(
      [tf.slice(x, [0, 0], [1, 2]), values([1, 2, 3, 2, 1], 'other')],
      1,
    ) as tf.Tensor5D;
    const seen = (input: tf.Tensor5D) => tf.slice(causalConvolution(input, weights), [0, 0], [1, 2]);
    expect(causalConvolution(x, weights).shape).toEqual([1, 4, 3, 2, 1]);
    expect(difference(seen(x), seen(later))).toBe(0);
  });
  it('upsampling [0, 4] twice: nearest repeats, bilinear goes by quarters; frames are images', () => {
    const row = (shape: number[], mode: 'nearest' | 'bilinear') => [
      ...upsample(tf.tensor([0, 4], shape), { size: [1, 4], mode }).dataSync(),
    ];
    expect(row([1, 1, 2, 1], 'nearest')).toEqual([0, 0, 4, 4]);
    expect(row([1, 1, 2, 1], 'bilinear')).toEqual([0, 1, 3, 4]);
    expect(upsample(tf.zeros([2, 3, 4, 5, 6]), { size: [8, 10], mode: 'nearest' }).shape).toEqual([
      2, 3, 8, 10, 6,
    ]);
  });
  it('clipping [3, 4] to norm 1 divides by 5; what is not finite stays', () => {
    const { norm, tensors } = clipGlobalNorm([tf.tensor1d([3]), tf.tensor1d([4])], 1);
    expect(norm.dataSync()[0]).toBeCloseTo(5, 5);
    expect(tensors.map((tensor) => tensor.dataSync()[0]!.toFixed(4))).toEqual(['0.6000', '0.8000']);
    const odd = clipGlobalNorm([tf.tensor1d([Number.NaN, 7])], 1);
    expect([...odd.tensors[0]!.dataSync()]).toEqual([Number.NaN, 7]);
  });
  it('embedding picks rows', () => {
    const y = embedding(
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
      tf.tensor2d(
        [
          [1, 0],
          [1, 1],
        ],
        [2, 2],
        'int32',
      ),
    );
    expect([...y.dataSync()]).toEqual([3, 4, 1, 2, 3, 4, 3, 4]);
  });
});

describe('attention', () => {
  const [query, key, value] = ['q', 'k', 'v'].map((seed) => seed) as [string, string, string];
  it('equals plain loops with a mask', () => {
    const [B, T, S, H, D] = [2, 3, 4, 2, 2];
    const q = values([B, T, H, D], query) as tf.Tensor4D;
    const k = values([B, S, H, D], key) as tf.Tensor4D;
    const v = values([B, S, H, D], value) as tf.Tensor4D;
    const mask = tf.tensor([1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1], [1, 1, T, S], 'bool');
    const y = attention({ query: q, key: k, value: v, mask }).arraySync();
    const [qa, ka, va, ma] = [q.arraySync(), k.arraySync(), v.arraySync(), mask.dataSync()];
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h++)
        for (let t = 0; t < T; t++) {
          const weights = ka[b]!.map((row, s) => {
            const score = row[h]!.reduce((sum, x, d) => sum + x * qa[b]![t]![h]![d]!, 0) / Math.sqrt(D);
            return ma[t * S + s] ? Math.exp(score) : 0;
          });
          const total = weights.reduce((a, c) => a + c, 0);
          for (let d = 0; d < D; d++) {
            const expected = weights.reduce((sum, w, s) => sum + (w / total) * va[b]![s]![h]![d]!, 0);
            expect(y[b]![t]![h]![d]).toBeCloseTo(expected, 4);
          }
        }
  });
  it('causal equals the mask it stands for, with earlier sources before', () => {
    const q = values([1, 2, 1, 3], query) as tf.Tensor4D;
    const k = values([1, 4, 1, 3], key) as tf.Tensor4D;
    const v = values([1, 4, 1, 3], value) as tf.Tensor4D;
    const mask = tf.tensor([1, 1, 1, 0, 1, 1, 1, 1], [1, 1, 2, 4], 'bool');
    const a = attention({ query: q, key: k, value: v, causal: true });
    expect(difference(a, attention({ query: q, key: k, value: v, mask }))).toBeLessThan(1e-6);
  });
});

describe('gradients equal central differences', () => {
  const ids = tf.tensor1d([1, 3], 'int32');
  const angles = tf.tensor2d([0.1, 2, 3, -1], [2, 2]);
  const tables = { cosine: tf.cos(angles), sine: tf.sin(angles) };
  const cases: [string, (...x: tf.Tensor[]) => tf.Tensor, number[][]][] = [
    ['linear', (x, w, b) => linear(x!, w!, b), [[2, 3], [4, 3], [4]]],
    ['layerNorm', (x, gain, bias) => layerNorm(x!, { gain, bias }), [[2, 5], [5], [5]]],
    ['rmsNorm', (x, gain) => rmsNorm(x!, gain!), [[2, 5], [5]]],
    ['gelu', (x) => gelu(x!), [[7]]],
    ['gelu tanh', (x) => gelu(x!, 'tanh'), [[7]]],
    ['silu', (x) => silu(x!), [[7]]],
    [
      'attention',
      (query, key, value) => attention({ query, key, value } as never),
      [
        [1, 2, 2, 2],
        [1, 3, 2, 2],
        [1, 3, 2, 2],
      ],
    ],
    ['token log-probabilities', (x) => tokenLogProbs(x as tf.Tensor2D, ids).logProbs, [[2, 4]]],
    ['token entropies', (x) => tokenLogProbs(x as tf.Tensor2D, ids).entropies, [[2, 4]]],
    ['embedding', (w) => embedding(w as tf.Tensor2D, ids), [[5, 2]]],
    ['groupNorm', (x, gain, bias) => groupNorm(x!, { gain, bias }, { groups: 2 }), [[2, 3, 4], [4], [4]]],
    [
      'gatedSilu',
      (gate, up) => gatedSilu(gate!, up!),
      [
        [2, 3],
        [2, 3],
      ],
    ],
    [
      'rotaryEmbedding',
      (x) => rotaryEmbedding(x as tf.Tensor4D, tables, { interleaved: true }),
      [[1, 2, 2, 4]],
    ],
    [
      'head log-probabilities',
      (hidden, weight) => headLogProbs({ hidden, weight } as never, ids).logProbs,
      [
        [2, 3],
        [4, 3],
      ],
    ],
    [
      'convolution',
      (x, weight, bias) =>
        convolution(x!, { weight: weight!, bias }, { strides: [1, 2], after: [1, 1], groups: 2 }),
      [[1, 3, 3, 2], [2, 1, 2, 2], [2]],
    ],
    ['upsample', (x) => upsample(x!, { size: [3, 5], mode: 'bilinear' }), [[1, 2, 3, 2]]],
  ];
  it.each(cases)('%s', (_, fn, shapes) => {
    expect(
      gradientError(
        fn,
        shapes.map((shape, index) => values(shape, `x${index}`)),
      ),
    ).toBeLessThan(5e-3);
  });
});

describe('copies and noise', () => {
  it('copies values of every type into storage of their own', () => {
    for (const x of [
      tf.tensor1d([-0, 1.5, Number.NaN]),
      tf.tensor1d([1, -2], 'int32'),
      tf.tensor1d([true, false], 'bool'),
    ]) {
      const y = copyTensor<tf.Tensor>(x);
      expect([...y.dataSync()]).toEqual([...x.dataSync()]);
      expect(y.dtype).toBe(x.dtype);
      expect(y.dataId).not.toBe(x.dataId);
    }
  });
  it('uniform draws depend on the key alone and fill [0, 1)', () => {
    const draw = (seed: number) => randomUniform([4000], Key.of(seed)).dataSync();
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const x = Array.from(draw(3));
    expect(x.every((value) => value >= 0 && value < 1)).toBe(true);
    const below = (limit: number) => x.filter((value) => value < limit).length / x.length;
    for (const limit of [0.1, 0.5, 0.9]) expect(Math.abs(below(limit) - limit)).toBeLessThan(0.03);
  });
  it('draws depend on the key alone and look standard normal', () => {
    const draw = (seed: number) => randomNormal([100, 40], Key.of(seed)).dataSync();
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const x = Array.from(draw(3));
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
    expect(Math.abs(mean)).toBeLessThan(0.07);
    expect(Math.abs(variance - 1)).toBeLessThan(0.1);
  });
});
