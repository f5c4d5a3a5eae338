import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AttentionSizes, attention, rotary } from './reference.ts';
import {
  distance,
  expectSame,
  few,
  given,
  numbers,
  random,
  run,
  seeds,
  upTo,
  useTorch,
  values,
} from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

type MaskKind = 'none' | 'bool' | 'added';

/** A mask as a tensor `[batch, 1, targets, sources]` and as what it adds to a score. */
function maskOf(kind: MaskKind, { batch, targets, sources }: AttentionSizes, seed: number) {
  const draws = numbers(batch * targets * sources, seed);
  const shape = [batch, 1, targets, sources];
  const at = (b: number, t: number, s: number) => draws[(b * targets + t) * sources + s]!;
  if (kind === 'none') return { mask: undefined, added: () => 0 };
  if (kind === 'added') return { mask: tf.tensor(draws, shape), added: at };
  const open = draws.map((x) => x > -0.4);
  return {
    mask: tf.tensor(open, shape, 'bool'),
    added: (b: number, t: number, s: number) => (at(b, t, s) > -0.4 ? 0 : Number.NEGATIVE_INFINITY),
  };
}

function shapesOf({ batch, targets, sources, heads, keyHeads, width }: AttentionSizes): number[][] {
  const key = [batch, sources, keyHeads, width];
  return [[batch, targets, heads, width], key, key];
}

describe('Attention', () => {
  const sizesOf = fc.record({
    batch: upTo(2),
    targets: upTo(7),
    sources: upTo(9),
    keyHeads: upTo(2),
    width: upTo(9),
    share: upTo(3),
    causal: fc.boolean(),
    kind: fc.constantFrom<MaskKind>('none', 'bool', 'added'),
    seed: seeds,
  });

  it('equals its definition in value and gradient: masks, causal, grouped heads, random shapes', () => {
    fc.assert(
      fc.property(sizesOf, ({ share, causal, kind, seed, ...rest }) => {
        const sizes = { ...rest, heads: rest.keyHeads * share };
        const { mask, added } = maskOf(kind, sizes, seed + 3);
        const later = (t: number, s: number) => causal && s > t + sizes.sources - sizes.targets;
        expectSame(
          {
            fused: (query, key, value) =>
              run('Attention', { query, key, value, ...(mask && { mask }) }, { scale: 0.7, causal }),
            plain: (q, k, v) =>
              attention(q!, k!, v!, sizes, 0.7, (b, _, t, s) =>
                later(t, s) ? Number.NEGATIVE_INFINITY : added(b, t, s),
              ),
          },
          given(shapesOf(sizes), seed),
        );
      }),
      few,
    );
  });

  it('equals its definition beyond one block of queries and on strided slices of a packed qkv', () => {
    const sizes = { batch: 1, targets: 150, sources: 150, heads: 2, keyHeads: 2, width: 12 };
    const packed = random([1, 150, 3, 2, 12], 5);
    const [query, key, value] = tf.unstack(packed, 2);
    const [q, k, v] = [query, key, value].map((part) => values(part!));
    const y = run('Attention', { query: query!, key: key!, value: value! }, { scale: 1, causal: true });
    const expected = attention(q!, k!, v!, sizes, 1, (_b, _h, t, s) =>
      s <= t ? 0 : Number.NEGATIVE_INFINITY,
    );
    expect(distance(values(y), expected)).toBeLessThan(1e-5);
  });

  it('takes a mask per head and a mask of one row for all, grouped heads too', () => {
    const sizes = { batch: 2, targets: 3, sources: 4, heads: 4, keyHeads: 2, width: 3 };
    const perHead = numbers(4 * 4, 3);
    const mask = tf.tensor(perHead, [1, 4, 1, 4]);
    expectSame(
      {
        fused: (query, key, value) => run('Attention', { query, key, value, mask }, { scale: 1 }),
        plain: (q, k, v) => attention(q!, k!, v!, sizes, 1, (_b, h, _t, s) => perHead[h * 4 + s]!),
      },
      given(shapesOf(sizes), 2),
    );
  });

  it('gives zeros and zero gradients to a target that sees nothing', () => {
    const sizes = { batch: 1, targets: 3, sources: 2, heads: 1, keyHeads: 1, width: 4 };
    const mask = tf.zeros([1, 1, 3, 2], 'bool');
    expectSame(
      {
        fused: (query, key, value) => run('Attention', { query, key, value, mask }, { scale: 1 }),
        plain: () => new Array(12).fill(0),
      },
      given(shapesOf(sizes), 3),
      1e-30,
    );
  });
});

describe('RotaryEmbedding', () => {
  it.each([true, false])('interleaved %s: equals its definition in value and gradient', (interleaved) => {
    fc.assert(
      fc.property(upTo(2), upTo(4), upTo(3), upTo(5), fc.boolean(), seeds, (...drawn) => {
        const [batch, tokens, heads, half, own, seed] = drawn;
        const angles = numbers((own ? batch : 1) * tokens * half, seed + 9).map((x) => 4 * x);
        const all = own ? angles : Array.from({ length: batch }, () => angles).flat();
        const shape = own ? [batch, tokens, half] : [tokens, half];
        const [cosine, sine] = [Math.cos, Math.sin].map((f) => tf.tensor(angles.map(f), shape));
        const x = [[batch, tokens, heads, 2 * half]];
        expectSame(
          {
            fused: (t) => run('RotaryEmbedding', { x: t, cosine, sine }, { interleaved }),
            plain: (t) => rotary(t!, all, { heads, size: 2 * half, interleaved }),
          },
          given(x, seed),
        );
      }),
      few,
    );
  });

  it('turns (1, 0) by a right angle into (0, 1), on a strided slice too', () => {
    const x = tf.unstack(tf.tensor([1, 7, 0, 7, 2, 7, 0, 7], [1, 1, 2, 2, 2]), 4)[0]!;
    const y = run(
      'RotaryEmbedding',
      { x, cosine: tf.zeros([1, 1]), sine: tf.ones([1, 1]) },
      { interleaved: true },
    );
    expect(values(y)).toEqual([0, 1, 0, 2]);
  });
});
