import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, it } from 'vitest';
import { gelu, silu } from './reference.ts';
import { expectSame, few, given, run, seeds, upTo, useTorch } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const points = [-6, -2.5, -1, -0.3, 0, 0.2, 1, 1.7, 3, 5];
const line = [{ shape: [points.length], data: points }];

describe('activations equal their definitions in value and gradient', () => {
  it.each(['none', 'tanh'] as const)('Gelu (%s)', (approximate) => {
    expectSame(
      {
        fused: (x) => run('Gelu', { x }, { approximate }),
        plain: (x) => x!.map((p) => gelu(p, approximate)),
      },
      line,
    );
  });

  it('Silu', () => {
    expectSame({ fused: (x) => run('Silu', { x }), plain: (x) => x!.map(silu) }, line);
  });

  it('GatedSilu, at lengths that do and do not fill a vector, and far from zero', () => {
    const pair = {
      fused: (gate: tf.Tensor, up: tf.Tensor) => run('GatedSilu', { gate, up }),
      plain: (gate: readonly number[], up: readonly number[]) => gate.map((g, i) => silu(g) * up[i]!),
    };
    expectSame(pair as never, [...line, { shape: [points.length], data: points.map((p) => 2 - p) }]);
    const far = { shape: [4], data: [-120, -80, 80, 120] };
    expectSame(pair as never, [far, { shape: [4], data: [1, -2, 1, -2] }]);
    const sizes = fc.tuple(upTo(3), upTo(11));
    fc.assert(
      fc.property(sizes, seeds, (shape, seed) => expectSame(pair as never, given([shape, shape], seed))),
      few,
    );
  });
});
