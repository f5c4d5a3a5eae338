import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlockWeights, hasKernel, KeyValueCache, transformerBlock } from '../src/index.ts';
import {
  type BlockOptions,
  type BlockResult,
  composedTransformerBlock,
  transformerBlockWithKeyValues,
} from '../src/ops/transformer-block.ts';
import { difference, torchIsHere, useCpu, values } from './engine.ts';

const here = await torchIsHere();
beforeAll(async () => {
  if (here) await tf.setBackend('torch');
});
afterAll(useCpu);

/** Sizes and which of the optional inputs are there. */
interface Case {
  readonly batch: number;
  readonly tokens: number;
  readonly past: number;
  readonly targets: number;
  readonly heads: number;
  readonly size: number;
  readonly inner: number;
  readonly masked: boolean;
  readonly rowMask: boolean;
  readonly affine: boolean;
  readonly biased: boolean;
  readonly gated: boolean;
}

const cases = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    tokens: fc.integer({ min: 1, max: 21 }),
    past: fc.integer({ min: 0, max: 4 }),
    asked: fc.double({ min: 0.01, max: 1, noNaN: true }),
    heads: fc.integer({ min: 1, max: 3 }),
    size: fc.integer({ min: 1, max: 5 }),
    inner: fc.integer({ min: 1, max: 9 }),
    masked: fc.boolean(),
    rowMask: fc.boolean(),
    affine: fc.boolean(),
    biased: fc.boolean(),
    gated: fc.boolean(),
  })
  // The norm of two or three features that lie close together magnifies rounding.
  .filter(({ heads, size }) => heads * size > 3)
  .map(({ asked, ...rest }): Case => ({ ...rest, targets: Math.ceil(asked * rest.tokens) }));

type Named = Readonly<Record<string, tf.Tensor>>;

/** Everything a block can be differentiated by. */
function inputsOf({ batch, tokens, past, heads, size, inner, affine, biased, gated }: Case): Named {
  const width = heads * size;
  const shapes: Record<string, number[]> = {
    x: [batch, tokens, width],
    ...(past > 0 && { pastKey: [batch, past, heads, size], pastValue: [batch, past, heads, size] }),
    qkvWeight: [3 * width, width],
    outputWeight: [width, width],
    upWeight: [inner, width],
    downWeight: [width, inner],
    ...(biased && { qkvBias: [3 * width], outputBias: [width], upBias: [inner], downBias: [width] }),
    ...(affine && {
      attentionGain: [width],
      attentionBias: [width],
      forwardGain: [width],
      forwardBias: [width],
    }),
    ...(gated && { attentionGate: [width], forwardGate: [width] }),
  };
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, values(shape, name)]));
}

/** A mask of holes in which every target sees itself. */
function maskOf({ batch, tokens, past, masked, rowMask }: Case): tf.Tensor | undefined {
  if (!masked) return undefined;
  const rows = rowMask ? 1 : tokens;
  const allowed = values([batch, 1, rows, past + tokens], 'mask').arraySync() as number[][][][];
  for (const row of allowed)
    for (const [t, sources] of row[0]!.entries()) sources[past + (rowMask ? 0 : t)] = 1;
  return tf.greater(tf.tensor(allowed), 0);
}

function blockOf(inputs: Named, rest: Omit<BlockOptions, 'past'>) {
  const { x, pastKey, pastValue, ...weights } = inputs;
  const past = pastKey && { key: pastKey as tf.Tensor4D, value: pastValue as tf.Tensor4D };
  return [x as tf.Tensor3D, weights as unknown as BlockWeights, { ...rest, past }] as const;
}

function weighted({ output, fresh }: BlockResult): tf.Scalar {
  const parts = [output, fresh.key, fresh.value].map((x, i) =>
    tf.sum(tf.mul(x, values(x.shape, `weight${i}`))),
  );
  return tf.addN(parts) as tf.Scalar;
}

describe.skipIf(!here)('the fused transformer block', () => {
  it('equals its composition in values and in every gradient, at random shapes', () => {
    expect(hasKernel('TransformerBlock')).toBe(true);
    const before = tf.memory().numTensors;
    fc.assert(
      fc.property(cases, (sizes) => {
        tf.tidy(() => {
          const inputs = inputsOf(sizes);
          const options = { heads: sizes.heads, targets: sizes.targets, mask: maskOf(sizes) };
          const run = (fn: typeof composedTransformerBlock, given: Named) => fn(...blockOf(given, options));
          const fused = run(transformerBlockWithKeyValues, inputs);
          const composed = run(composedTransformerBlock, inputs);
          expect(difference(fused.output, composed.output)).toBeLessThan(2e-5);
          expect(difference(fused.fresh.key, composed.fresh.key)).toBeLessThan(2e-5);
          expect(difference(fused.fresh.value, composed.fresh.value)).toBeLessThan(2e-5);
          const slopes = (fn: typeof composedTransformerBlock) =>
            tf.grads((...x) =>
              weighted(run(fn, Object.fromEntries(Object.keys(inputs).map((name, i) => [name, x[i]!])))),
            )(Object.values(inputs));
          const [mine, theirs] = [slopes(transformerBlockWithKeyValues), slopes(composedTransformerBlock)];
          Object.keys(inputs).forEach((name, i) => {
            const scale = tf.maximum(1, tf.max(tf.abs(theirs[i]!)));
            expect(difference(tf.div(mine[i]!, scale), tf.div(theirs[i]!, scale)), name).toBeLessThan(2e-4);
          });
        });
      }),
      { numRuns: 60 },
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is differentiable where only its output is asked for, and by its input alone', () => {
    tf.tidy(() => {
      const sizes = { batch: 2, tokens: 5, past: 2, targets: 3, heads: 2, size: 3, inner: 7 };
      const inputs = inputsOf({
        ...sizes,
        masked: false,
        rowMask: false,
        affine: true,
        biased: true,
        gated: true,
      });
      const slope = (fn: typeof transformerBlock) =>
        tf.grad((x) => tf.sum(tf.square(fn(...blockOf({ ...inputs, x }, { heads: 2, targets: 3 })))))(
          inputs.x!,
        );
      expect(
        difference(
          slope(transformerBlock),
          slope((...x) => composedTransformerBlock(...x).output),
        ),
      ).toBeLessThan(1e-3);
    });
  });

  it('writes into a cache what it would have been given as the past', () => {
    tf.tidy(() => {
      const sizes = { batch: 3, tokens: 6, past: 0, targets: 6, heads: 2, size: 4, inner: 5 };
      const inputs = inputsOf({
        ...sizes,
        masked: false,
        rowMask: false,
        affine: true,
        biased: true,
        gated: false,
      });
      const { x, ...rest } = inputs;
      const weights = rest as unknown as BlockWeights;
      const part = (from: number, count: number) => tf.slice(x as tf.Tensor3D, [0, from, 0], [3, count, 8]);
      const cache = new KeyValueCache({ layers: 1, batch: 3, capacity: 9, heads: 2, size: 4 });
      transformerBlock(part(0, 4), weights, { heads: 2, cache: cache.layer(0, 4) });
      cache.advance(4);
      const held = cache.held(0);
      const past = transformerBlockWithKeyValues(part(0, 4), weights, { heads: 2 }).fresh;
      expect(difference(held.key, past.key)).toBe(0);
      const next = transformerBlock(part(4, 2), weights, { heads: 2, cache: cache.layer(0, 2) });
      expect(difference(next, transformerBlock(part(4, 2), weights, { heads: 2, past }))).toBeLessThan(1e-6);
      cache.dispose();
    });
  });

  it('names a weight that does not fit', () => {
    tf.tidy(() => {
      const sizes = { batch: 1, tokens: 2, past: 0, targets: 2, heads: 1, size: 4, inner: 5 };
      const inputs = inputsOf({
        ...sizes,
        masked: false,
        rowMask: false,
        affine: false,
        biased: false,
        gated: false,
      });
      const wrong = { ...inputs, upWeight: values([5, 3], 'wrong') };
      expect(() => transformerBlock(...blockOf(wrong, { heads: 1 }))).toThrow(
        /up weight is \[5, 3\], not \[5, 4\]/,
      );
    });
  });
});
