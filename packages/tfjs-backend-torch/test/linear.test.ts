import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { linear } from './reference.ts';
import { expectSame, few, given, random, run, seeds, upTo, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('Linear', () => {
  it('equals its definition in value and gradient at random shapes', () => {
    fc.assert(
      fc.property(upTo(9), upTo(9), upTo(9), fc.boolean(), seeds, (rows, inputs, outputs, biased, seed) => {
        const shapes = [[2, rows, inputs], [outputs, inputs], ...(biased ? [[outputs]] : [])];
        expectSame(
          {
            fused: (x, weight, bias) => run('Linear', bias ? { x, weight, bias } : { x, weight }),
            plain: (x, weight, bias) => linear(x!, weight!, bias, inputs),
          },
          given(shapes, seed),
        );
      }),
      few,
    );
  });

  it('keeps the leading axes and takes strided inputs as they are', () => {
    const x = tf.transpose(random([3, 4], 1));
    const weight = tf.transpose(random([3, 2], 2));
    const plain = run('Linear', { x: run('Copy', { x }), weight: run('Copy', { x: weight }) });
    expect(values(run('Linear', { x, weight }))).toEqual(values(plain));
    expect(run('Linear', { x: random([2, 1, 5, 3], 1), weight }).shape).toEqual([2, 1, 5, 2]);
  });
});

describe('Copy', () => {
  it('is x with the gradient of x', () => {
    expectSame({ fused: (x) => run('Copy', { x }), plain: (x) => x! }, given([[2, 3]], 4));
  });
});
