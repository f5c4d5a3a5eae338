import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AdamW,
  attention,
  clipGlobalNorm,
  convolution,
  copyTensor,
  ExponentialAverage,
  embedding,
  gatedSilu,
  gelu,
  globalNorm,
  groupNorm,
  hasKernel,
  headLogProbs,
  KeyValueCache,
  layerNorm,
  linear,
  rmsNorm,
  rotaryEmbedding,
  silu,
  tokenLogProbs,
  type UpsampleMode,
  upsample,
} from '../src/index.ts';
import { composedAttention } from '../src/ops/attention.ts';
import { composedConvolution } from '../src/ops/convolution.ts';
import { composedEmbedding } from '../src/ops/embedding.ts';
import { composedGatedSilu } from '../src/ops/gated-silu.ts';
import { composedGelu } from '../src/ops/gelu.ts';
import { composedGroupNorm } from '../src/ops/group-norm.ts';
import { composedHeadLogProbs } from '../src/ops/head-log-probs.ts';
import { composedLayerNorm } from '../src/ops/layer-norm.ts';
import { composedLinear } from '../src/ops/linear.ts';
import { composedRmsNorm } from '../src/ops/rms-norm.ts';
import { composedRotaryEmbedding } from '../src/ops/rotary-embedding.ts';
import { composedSilu } from '../src/ops/silu.ts';
import { composedTokenLogProbs } from '../src/ops/token-log-probs.ts';
import { composedUpsample } from '../src/ops/upsample.ts';
import { composedClipGlobalNorm, composedGlobalNorm } from '../src/optim/global-norm.ts';
import { difference, torchIsHere, useCpu, values } from './engine.ts';

const here = await torchIsHere();
beforeAll(async () => {
  if (here) await tf.setBackend('torch');
});
afterAll(useCpu);

type Op = (...x: tf.Tensor[]) => tf.Tensor;

/** Random small sizes; what they mean is up to each case. */
interface Sizes {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

interface Fixture {
  readonly fused: Op;
  readonly composed: Op;
  readonly shapes: readonly (readonly number[])[];
}

const small = fc.integer({ min: 1, max: 5 });
const sizesOf = fc.record({ a: small, b: small, c: small, d: small });

function idsBelow(width: number, shape: number[]): tf.Tensor1D {
  return tf.cast(tf.floor(tf.mul(tf.sigmoid(values(shape, 'ids')), width)), 'int32') as tf.Tensor1D;
}

/** A mask in which some targets see nothing. */
function maskOf(shape: number[]): tf.Tensor {
  return tf.greater(values(shape, 'mask'), 0);
}

/** Attention over grouped heads with more sources than targets. */
function attending({ a, b, c, d }: Sizes, extra: object): Fixture {
  const key = [a, b + c, 2, d];
  const inputs = ([query, key, value]: tf.Tensor[]) => ({ query, key, value, ...extra }) as never;
  return {
    fused: (...x) => attention(inputs(x)),
    composed: (...x) => composedAttention(inputs(x)),
    shapes: [[a, b, 4, d], key, key],
  };
}

function elementwise(fused: Op, composed: Op): (n: Sizes) => Fixture {
  return ({ a, b }) => ({ fused, composed, shapes: [[a, b]] });
}

function logProbing(part: 'logProbs' | 'entropies'): (n: Sizes) => Fixture {
  return ({ a, b }) => {
    const ids = idsBelow(b + 1, [a]);
    return {
      fused: (x) => tokenLogProbs(x as tf.Tensor2D, ids)[part],
      composed: (x) => composedTokenLogProbs(x as tf.Tensor2D, ids)[part],
      shapes: [[a, b + 1]],
    };
  };
}

function heading(biased: boolean): (n: Sizes) => Fixture {
  return ({ a, b, c }) => {
    const ids = idsBelow(b + 1, [a]);
    const run =
      (fn: typeof headLogProbs): Op =>
      (...x) => {
        const [hidden, weight, bias] = x as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D | undefined];
        const { logProbs, entropies } = fn({ hidden, weight, bias }, ids);
        return tf.concat([logProbs, entropies]);
      };
    const shapes = [[a, c], [b + 1, c], ...(biased ? [[b + 1]] : [])];
    return { fused: run(headLogProbs), composed: run(composedHeadLogProbs), shapes };
  };
}

function turning(interleaved: boolean): (n: Sizes) => Fixture {
  return ({ a, b, c, d }) => {
    const angles = values(a === 1 ? [b, d] : [a, b, d], 'angles');
    const tables = { cosine: tf.cos(angles), sine: tf.sin(angles) };
    return {
      fused: (x) => rotaryEmbedding(x as tf.Tensor4D, tables, { interleaved }),
      composed: (x) => composedRotaryEmbedding(x as tf.Tensor4D, tables, { interleaved }),
      shapes: [[a, b, c, 2 * d]],
    };
  };
}

function convolving(space: (n: Sizes) => number[], options: object): (n: Sizes) => Fixture {
  return (n) => {
    const size = space(n);
    const weights = (weight: tf.Tensor, bias: tf.Tensor) => ({ weight, bias });
    return {
      fused: (x, w, b) => convolution(x!, weights(w!, b!), options),
      composed: (x, w, b) => composedConvolution(x!, weights(w!, b!), options),
      shapes: [[n.a, ...size, 2], [4, 2, ...size.map((_, axis) => 3 - axis)], [4]],
    };
  };
}

function resizing(mode: UpsampleMode): (n: Sizes) => Fixture {
  return ({ a, b, c, d }) => {
    const options = { size: [c + 1, 2 * d] as const, mode };
    return {
      fused: (x) => upsample(x!, options),
      composed: (x) => composedUpsample(x as tf.Tensor4D, options),
      shapes: [[a, b, d, 2]],
    };
  };
}

const cases: [name: string, kernel: string, (n: Sizes) => Fixture][] = [
  [
    'linear',
    'Linear',
    ({ a, b, c, d }) => ({
      fused: (x, w, bias) => linear(x!, w!, bias),
      composed: (x, w, bias) => composedLinear(x!, w!, bias),
      shapes: [[a, b, c], [d, c], [d]],
    }),
  ],
  [
    'linear without bias',
    'Linear',
    ({ a, b, c }) => ({
      fused: (x, w) => linear(x!, w!),
      composed: (x, w) => composedLinear(x!, w!),
      shapes: [
        [a, b],
        [c, b],
      ],
    }),
  ],
  [
    'layer norm',
    'LayerNorm',
    ({ a, b, c }) => ({
      fused: (x, gain, bias) => layerNorm(x!, { gain, bias }, 0.1),
      composed: (x, gain, bias) => composedLayerNorm(x!, { gain, bias }, 0.1),
      shapes: [[a, b, c], [c], [c]],
    }),
  ],
  [
    'plain layer norm',
    'LayerNorm',
    elementwise(
      (x) => layerNorm(x!, {}, 0.1),
      (x) => composedLayerNorm(x!, {}, 0.1),
    ),
  ],
  [
    'group norm',
    'GroupNorm',
    ({ a, b, c, d }) => {
      const options = { groups: c, epsilon: 0.1 };
      return {
        fused: (x, gain, bias) => groupNorm(x!, { gain, bias }, options),
        composed: (x, gain, bias) => composedGroupNorm(x!, { gain, bias }, options),
        shapes: [[a, b, 2, c * d], [c * d], [c * d]],
      };
    },
  ],
  [
    'rms norm',
    'RmsNorm',
    ({ a, b, c }) => ({
      fused: (x, gain) => rmsNorm(x!, gain!, 0.1),
      composed: (x, gain) => composedRmsNorm(x!, gain!, 0.1),
      shapes: [[a, b, c], [c]],
    }),
  ],
  [
    'gelu',
    'Gelu',
    elementwise(
      (x) => gelu(x!),
      (x) => composedGelu(x!),
    ),
  ],
  [
    'gelu tanh',
    'Gelu',
    elementwise(
      (x) => gelu(x!, 'tanh'),
      (x) => composedGelu(x!, 'tanh'),
    ),
  ],
  [
    'silu',
    'Silu',
    elementwise(
      (x) => silu(x!),
      (x) => composedSilu(x!),
    ),
  ],
  [
    'gated silu',
    'GatedSilu',
    ({ a, b }) => ({
      fused: (gate, up) => gatedSilu(gate!, up!),
      composed: (gate, up) => composedGatedSilu(gate!, up!),
      shapes: [
        [a, b],
        [a, b],
      ],
    }),
  ],
  ['attention over grouped heads', 'Attention', (n) => attending(n, {})],
  ['masked attention', 'Attention', (n) => attending(n, { mask: maskOf([n.a, 1, n.b, n.b + n.c]) })],
  [
    'attention with a mask per head',
    'Attention',
    (n) => attending(n, { mask: maskOf([1, 4, 1, n.b + n.c]) }),
  ],
  [
    'attention with an added mask',
    'Attention',
    (n) => attending(n, { mask: values([n.a, 4, n.b, n.b + n.c], 'added'), causal: true }),
  ],
  ['causal attention', 'Attention', (n) => attending(n, { causal: true, scale: 0.3 })],
  [
    'masked causal attention',
    'Attention',
    (n) => attending(n, { causal: true, mask: maskOf([n.a, 1, 1, n.b + n.c]) }),
  ],
  ['rotary embedding of neighbours', 'RotaryEmbedding', turning(true)],
  ['rotary embedding of halves', 'RotaryEmbedding', turning(false)],
  [
    'embedding',
    'Embedding',
    ({ a, b, c, d }) => {
      const ids = idsBelow(c, [a, b]);
      return {
        fused: (weight) => embedding(weight as tf.Tensor2D, ids),
        composed: (weight) => composedEmbedding(weight as tf.Tensor2D, ids),
        shapes: [[c, d]],
      };
    },
  ],
  ['token log-probabilities', 'TokenLogProb', logProbing('logProbs')],
  ['token entropies', 'TokenLogProb', logProbing('entropies')],
  ['head log-probabilities', 'HeadLogProb', heading(true)],
  ['head log-probabilities without bias', 'HeadLogProb', heading(false)],
  [
    'convolution of images',
    'Convolution',
    convolving(({ b, c }) => [b + 2, c + 1], { strides: [2, 1], before: [1, 0], after: [0, 2] }),
  ],
  [
    'convolution of volumes',
    'Convolution',
    convolving(({ b, c, d }) => [b + 2, c + 1, d], { before: [2, 1, 0], after: [0, 0, 1] }),
  ],
  ['nearest upsampling', 'Upsample', resizing('nearest')],
  ['bilinear upsampling', 'Upsample', resizing('bilinear')],
];

describe.skipIf(!here)('fused kernels equal their compositions at random shapes', () => {
  it.each(cases)('%s, values and gradients', (_, kernel, make) => {
    expect(hasKernel(kernel)).toBe(true);
    const before = tf.memory().numTensors;
    fc.assert(
      fc.property(sizesOf, (sizes) => {
        tf.tidy(() => {
          const { fused, composed, shapes } = make(sizes);
          const x = shapes.map((shape, index) => values(shape, `in${index}`));
          expect(difference(fused(...x), composed(...x))).toBeLessThan(1e-5);
          const weights = values(fused(...x).shape, 'weights');
          const slopes = (fn: Op) => tf.grads((...inputs) => tf.sum(tf.mul(fn(...inputs), weights)))(x);
          const [a, b] = [slopes(fused), slopes(composed)];
          a.forEach((gradient, index) => {
            expect(difference(gradient, b[index]!), `input ${index}`).toBeLessThan(1e-4);
          });
        });
      }),
      { numRuns: 15 },
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('clipping by the global norm, above and below the limit', () => {
    tf.tidy(() => {
      const tensors = [values([3, 2], 'a'), values([4], 'b')];
      for (const limit of [0.5, 100]) {
        const [mine, theirs] = [clipGlobalNorm(tensors, limit), composedClipGlobalNorm(tensors, limit)];
        expect(difference(mine.norm, theirs.norm)).toBeLessThan(1e-6);
        mine.tensors.forEach((tensor, i) => {
          expect(difference(tensor, theirs.tensors[i]!)).toBeLessThan(1e-6);
        });
      }
    });
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
