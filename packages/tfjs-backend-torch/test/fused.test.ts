import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AttentionSizes,
  attention,
  gelu,
  layerNorm,
  linear,
  rmsNorm,
  tokenLogProb,
} from './reference.ts';
import { distance, numbers, random, run, runAll, slope, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const few = { numRuns: 25 };
const seeds = fc.integer({ min: 0, max: 1e6 });

function weighted(y: readonly number[]): number {
  return numbers(y.length, 99).reduce((sum, w, i) => sum + w * y[i]!, 0);
}

/** Gradients of sum(w y) for the fixed weights of {@link weighted}. */
function tapeGradients(fn: (...x: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): number[][] {
  const loss = (...x: tf.Tensor[]) => {
    const y = fn(...x);
    return tf.sum(tf.mul(y, tf.tensor(numbers(y.size, 99), y.shape)));
  };
  return tf
    .grads(loss)([...inputs])
    .map(values);
}

describe('Linear', () => {
  it('equals its definition in value and gradient at random shapes', () => {
    const size = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(size, size, size, fc.boolean(), seeds, (rows, inputs, outputs, biased, seed) => {
        const x = numbers(2 * rows * inputs, seed);
        const w = numbers(outputs * inputs, seed + 1);
        const b = numbers(outputs, seed + 2);
        const tensors = [tf.tensor(x, [2, rows, inputs]), tf.tensor(w, [outputs, inputs]), tf.tensor1d(b)];
        const given = biased ? tensors : tensors.slice(0, 2);
        const fused = (...t: tf.Tensor[]) =>
          run('Linear', biased ? { x: t[0]!, weight: t[1]!, bias: t[2]! } : { x: t[0]!, weight: t[1]! });
        const bias = biased ? b : undefined;
        const y = fused(...given);
        expect(y.shape).toEqual([2, rows, outputs]);
        expect(distance(values(y), linear(x, w, bias, inputs))).toBeLessThan(1e-5);
        const [dx, dw, db] = tapeGradients(fused, given);
        expect(
          distance(
            dx!,
            slope((v) => weighted(linear(v, w, bias, inputs)), x),
          ),
        ).toBeLessThan(1e-4);
        expect(
          distance(
            dw!,
            slope((v) => weighted(linear(x, v, bias, inputs)), w),
          ),
        ).toBeLessThan(1e-4);
        if (biased)
          expect(
            distance(
              db!,
              slope((v) => weighted(linear(x, w, v, inputs)), b),
            ),
          ).toBeLessThan(1e-4);
      }),
      few,
    );
  });

  it('takes strided inputs as they are', () => {
    const x = tf.transpose(random([3, 4], 1));
    const weight = tf.transpose(random([3, 2], 2));
    const plain = run('Linear', { x: run('Copy', { x }), weight: run('Copy', { x: weight }) });
    expect(values(run('Linear', { x, weight }))).toEqual(values(plain));
  });
});

describe('LayerNorm', () => {
  it.each([
    ['gain and bias', true, true],
    ['gain alone', true, false],
    ['bias alone', false, true],
    ['neither', false, false],
  ])('with %s equals its definition in value and gradient', (_, gained, biased) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 2, max: 20 }),
        seeds,
        (rows, width, seed) => {
          const [x, g, b] = [numbers(rows * width, seed), numbers(width, seed + 1), numbers(width, seed + 2)];
          const names = ['x', ...(gained ? ['gain'] : []), ...(biased ? ['bias'] : [])];
          const all: Record<string, tf.Tensor> = {
            x: tf.tensor(x, [rows, width]),
            gain: tf.tensor1d(g),
            bias: tf.tensor1d(b),
          };
          const fused = (...t: tf.Tensor[]) =>
            run('LayerNorm', Object.fromEntries(names.map((name, i) => [name, t[i]!])), { epsilon: 1e-2 });
          const inputs = names.map((name) => all[name]!);
          const plain = (parts: Record<string, readonly number[]>) =>
            layerNorm(
              parts.x ?? x,
              width,
              gained ? (parts.gain ?? g) : undefined,
              biased ? (parts.bias ?? b) : undefined,
              1e-2,
            );
          expect(distance(values(fused(...inputs)), plain({}))).toBeLessThan(1e-4);
          const gradients = tapeGradients(fused, inputs);
          names.forEach((name, i) => {
            const from = { x, gain: g, bias: b }[name]!;
            const numeric = slope((v) => weighted(plain({ [name]: v })), from);
            expect(distance(gradients[i]!, numeric)).toBeLessThan(1e-3);
          });
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe('RmsNorm', () => {
  it('equals its definition in value and gradient at random shapes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 19 }),
        seeds,
        (rows, width, seed) => {
          const [x, g] = [numbers(rows * width, seed), numbers(width, seed + 1)];
          const inputs = [tf.tensor(x, [rows, width]), tf.tensor1d(g)];
          const fused = (...t: tf.Tensor[]) => run('RmsNorm', { x: t[0]!, gain: t[1]! }, { epsilon: 1e-2 });
          expect(distance(values(fused(...inputs)), rmsNorm(x, width, g, 1e-2))).toBeLessThan(1e-4);
          const [dx, dg] = tapeGradients(fused, inputs);
          const sample = x.slice(0, width);
          const rest = x.slice(width);
          const numeric = slope((v) => weighted(rmsNorm([...v, ...rest], width, g, 1e-2)), sample);
          expect(distance(dx!.slice(0, width), numeric)).toBeLessThan(1e-3);
          expect(
            distance(
              dg!,
              slope((v) => weighted(rmsNorm(x, width, v, 1e-2)), g),
            ),
          ).toBeLessThan(1e-3);
        },
      ),
      few,
    );
  });
});

describe('Attention', () => {
  const sizesOf = fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    targets: fc.integer({ min: 1, max: 7 }),
    sources: fc.integer({ min: 1, max: 9 }),
    keyHeads: fc.integer({ min: 1, max: 2 }),
    width: fc.integer({ min: 1, max: 9 }),
  });

  function tensorsOf(sizes: AttentionSizes, seed: number) {
    const { batch, targets, sources, heads, keyHeads, width } = sizes;
    const q = numbers(batch * targets * heads * width, seed);
    const k = numbers(batch * sources * keyHeads * width, seed + 1);
    const v = numbers(batch * sources * keyHeads * width, seed + 2);
    const tensors = [
      tf.tensor(q, [batch, targets, heads, width]),
      tf.tensor(k, [batch, sources, keyHeads, width]),
      tf.tensor(v, [batch, sources, keyHeads, width]),
    ];
    return { q, k, v, tensors };
  }

  it('equals its definition in value and gradient: masks, causal, grouped heads, random shapes', () => {
    fc.assert(
      fc.property(
        sizesOf,
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 2 }),
        seeds,
        (partial, causal, masked, share, seed) => {
          const sizes = { ...partial, heads: partial.keyHeads * share };
          const { batch, targets, sources } = sizes;
          const { q, k, v, tensors } = tensorsOf(sizes, seed);
          const open = numbers(batch * targets * sources, seed + 3).map((x) => x > -0.4);
          const mask = tf.tensor(open, [batch, 1, targets, sources], 'bool');
          const visible = (b: number, _: number, t: number, s: number) =>
            (!masked || open[(b * targets + t) * sources + s]!) && (!causal || s <= t + sources - targets);
          const attributes = { scale: 0.7, causal };
          const fused = (...t: tf.Tensor[]) => {
            const inputs = { query: t[0]!, key: t[1]!, value: t[2]! };
            return run('Attention', masked ? { ...inputs, mask } : inputs, attributes);
          };
          expect(distance(values(fused(...tensors)), attention(q, k, v, sizes, 0.7, visible))).toBeLessThan(
            1e-5,
          );
          const [dq, dk, dv] = tapeGradients(fused, tensors);
          const loss = (a: readonly number[], b: readonly number[], c: readonly number[]) =>
            weighted(attention(a, b, c, sizes, 0.7, visible));
          expect(
            distance(
              dq!,
              slope((x) => loss(x, k, v), q),
            ),
          ).toBeLessThan(1e-4);
          expect(
            distance(
              dk!,
              slope((x) => loss(q, x, v), k),
            ),
          ).toBeLessThan(1e-4);
          expect(
            distance(
              dv!,
              slope((x) => loss(q, k, x), v),
            ),
          ).toBeLessThan(1e-4);
        },
      ),
      few,
    );
  });

  it('equals its definition beyond one block of queries and on strided slices of a packed qkv', () => {
    const sizes = { batch: 1, targets: 150, sources: 150, heads: 2, keyHeads: 2, width: 12 };
    const packed = random([1, 150, 3, 2, 12], 5);
    const [query, key, value] = tf.unstack(packed, 2);
    const plain = [query, key, value].map((part) => values(part!));
    const y = run('Attention', { query: query!, key: key!, value: value! }, { scale: 1, causal: true });
    const expected = attention(plain[0]!, plain[1]!, plain[2]!, sizes, 1, (_b, _h, t, s) => s <= t);
    expect(distance(values(y), expected)).toBeLessThan(1e-5);
  });

  it('adds a float mask to the scores', () => {
    const { q, k, v, tensors } = tensorsOf(
      { batch: 1, targets: 2, sources: 3, heads: 1, keyHeads: 1, width: 4 },
      8,
    );
    const mask = tf.tensor([0, -1e30, 0, 0, -1e30, 0], [1, 1, 2, 3]);
    const y = run(
      'Attention',
      { query: tensors[0]!, key: tensors[1]!, value: tensors[2]!, mask },
      { scale: 1, causal: false },
    );
    const sizes = { batch: 1, targets: 2, sources: 3, heads: 1, keyHeads: 1, width: 4 };
    expect(
      distance(
        values(y),
        attention(q, k, v, sizes, 1, (_b, _h, _t, s) => s !== 1),
      ),
    ).toBeLessThan(1e-5);
  });

  it('gives zeros and zero gradients to a target that sees nothing', () => {
    const { tensors } = tensorsOf({ batch: 1, targets: 3, sources: 2, heads: 1, keyHeads: 1, width: 4 }, 3);
    const mask = tf.zeros([1, 1, 3, 2], 'bool');
    const fused = (...t: tf.Tensor[]) =>
      run('Attention', { query: t[0]!, key: t[1]!, value: t[2]!, mask }, { scale: 1, causal: false });
    expect(values(fused(...tensors))).toEqual(new Array(12).fill(0));
    for (const gradient of tapeGradients(fused, tensors))
      expect(
        distance(
          gradient,
          gradient.map(() => 0),
        ),
      ).toBe(0);
  });
});

describe('Gelu and Silu', () => {
  const points = [-6, -2.5, -1, -0.3, 0, 0.2, 1, 1.7, 3, 5];

  it.each(['none', 'tanh'] as const)(
    'gelu (%s) equals its definition in value and gradient',
    (approximate) => {
      const fused = (x: tf.Tensor) => run('Gelu', { x }, { approximate });
      const x = tf.tensor1d(points);
      expect(
        distance(
          values(fused(x)),
          points.map((p) => gelu(p, approximate)),
        ),
      ).toBeLessThan(1e-5);
      const numeric = slope((v) => weighted(v.map((p) => gelu(p, approximate))), points);
      expect(distance(tapeGradients(fused, [x])[0]!, numeric)).toBeLessThan(1e-5);
    },
  );

  it('silu equals x / (1 + e^-x) in value and gradient', () => {
    const silu = (p: number) => p / (1 + Math.exp(-p));
    const fused = (x: tf.Tensor) => run('Silu', { x });
    const x = tf.tensor1d(points);
    expect(distance(values(fused(x)), points.map(silu))).toBeLessThan(1e-5);
    expect(
      distance(
        tapeGradients(fused, [x])[0]!,
        slope((v) => weighted(v.map(silu)), points),
      ),
    ).toBeLessThan(1e-5);
  });
});

describe('TokenLogProb', () => {
  it('equals its definition in value and in the gradient of both results', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 21 }),
        seeds,
        (rows, width, seed) => {
          const x = numbers(rows * width, seed).map((v) => 3 * v);
          const ids = numbers(rows, seed + 1).map((v) => Math.floor(((v + 1) / 2) * width));
          const indices = tf.tensor1d(ids, 'int32');
          const [logProb, entropy] = runAll('TokenLogProb', {
            logits: tf.tensor(x, [rows, width]),
            ids: indices,
          });
          const expected = tokenLogProb(x, width, ids);
          expect(distance(values(logProb!), expected.logProb)).toBeLessThan(1e-5);
          expect(distance(values(entropy!), expected.entropy)).toBeLessThan(1e-5);
          const both = (logits: tf.Tensor) => tf.concat(runAll('TokenLogProb', { logits, ids: indices }));
          const numeric = slope((v) => {
            const parts = tokenLogProb(v, width, ids);
            return weighted([...parts.logProb, ...parts.entropy]);
          }, x);
          expect(distance(tapeGradients(both, [tf.tensor(x, [rows, width])])[0]!, numeric)).toBeLessThan(
            1e-4,
          );
        },
      ),
      few,
    );
  });

  it('keeps a token of probability zero at minus infinity without spoiling the entropy', () => {
    const logits = tf.tensor2d([[0, 0, Number.NEGATIVE_INFINITY]]);
    const [logProb, entropy] = runAll('TokenLogProb', { logits, ids: tf.tensor1d([2], 'int32') });
    expect(values(logProb!)).toEqual([Number.NEGATIVE_INFINITY]);
    expect(values(entropy!)[0]).toBeCloseTo(Math.log(2), 5);
  });
});
