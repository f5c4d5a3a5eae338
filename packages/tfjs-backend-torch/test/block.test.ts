import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, it } from 'vitest';
import { block } from './reference.ts';
import { expectSame, given, numbers, run, seeds, upTo, useTorch } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

/** Large, so that norms of rows of two do not amplify float32 rounding. */
const epsilon = 0.1;

const cases = fc.record({
  batch: upTo(2),
  tokens: upTo(4),
  past: fc.integer({ min: 0, max: 2 }),
  heads: upTo(2),
  size: upTo(2),
  inner: upTo(4),
  affine: fc.boolean(),
  biased: fc.boolean(),
  gated: fc.boolean(),
  masked: fc.boolean(),
  part: fc.boolean(),
  seed: seeds,
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function shapesOf({ batch, tokens, past, heads, size, inner, affine, biased, gated }: Case) {
  const width = heads * size;
  return {
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
  } as Record<string, number[]>;
}

describe('TransformerBlock', () => {
  it('equals its definition in value and in the gradient of every input', () => {
    fc.assert(
      fc.property(cases, (sizes) => {
        const { batch, tokens, past, heads, masked, part, seed } = sizes;
        const targets = part ? 1 : tokens;
        const sources = past + tokens;
        const shapes = shapesOf(sizes);
        const names = Object.keys(shapes);
        const extra = numbers(batch * targets * sources, seed + 50);
        const mask = tf.tensor(extra, [batch, 1, targets, sources]);
        const named = <T>(list: readonly T[]) => Object.fromEntries(names.map((name, i) => [name, list[i]!]));
        expectSame(
          {
            fused: (...x) =>
              run(
                'TransformerBlock',
                { ...named(x), ...(masked && { mask }) },
                { heads, targets, epsilon, keep: true },
              ),
            plain: (...x) =>
              block(named(x), { ...sizes, targets, epsilon }, (b, _, t, s) =>
                masked ? extra[(b * targets + t) * sources + s]! : 0,
              ),
          },
          given(Object.values(shapes), seed),
        );
      }),
      { numRuns: 15 },
    );
  });
});
