import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ConvolutionSizes, convolution, upsample } from './reference-images.ts';
import { expectSame, few, given, run, seeds, upTo, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const axis = fc.record({
  size: fc.integer({ min: 3, max: 5 }),
  kernel: upTo(3),
  stride: upTo(2),
  dilation: upTo(2),
  before: fc.integer({ min: 0, max: 2 }),
  after: fc.integer({ min: 0, max: 2 }),
});

type Axis = typeof axis extends fc.Arbitrary<infer T> ? T : never;

const one: Axis = { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

function sizesOf(
  axes: readonly Axis[],
  rest: { batch: number; groups: number; inputs: number; outputs: number },
) {
  // A kernel that reaches over the padded input has no place to be.
  const kernelOf = (a: Axis) =>
    (a.kernel - 1) * a.dilation + 1 > a.size + a.before + a.after ? 1 : a.kernel;
  const sizes: ConvolutionSizes = {
    ...rest,
    size: axes.map((a) => a.size),
    kernel: axes.map(kernelOf),
    strides: axes.map((a) => a.stride),
    dilations: axes.map((a) => a.dilation),
    before: axes.map((a) => a.before),
    after: axes.map((a) => a.after),
  };
  return sizes;
}

describe.each([2, 3])('Convolution over %i axes', (rank) => {
  it('equals its definition in value and in every gradient: stride, dilation, padding, groups', () => {
    const axes = fc.array(axis, { minLength: rank, maxLength: rank });
    fc.assert(
      fc.property(axes, upTo(2), upTo(2), fc.boolean(), seeds, (list, groups, share, biased, seed) => {
        const rest = { batch: 1, groups, inputs: groups * share, outputs: 2 * groups };
        const s = sizesOf(rank === 2 ? [one, ...list] : list, rest);
        const last = (values: readonly number[]) => values.slice(-rank);
        const shapes = [
          [s.batch, ...last(s.size), s.inputs],
          [s.outputs, share, ...last(s.kernel)],
          ...(biased ? [[s.outputs]] : []),
        ];
        const { strides, dilations, before, after } = s;
        const attributes = Object.fromEntries(
          Object.entries({ strides, dilations, before, after }).map(([name, values]) => [name, last(values)]),
        );
        expectSame(
          {
            fused: (x, weight, bias) =>
              run('Convolution', { x, weight, ...(bias && { bias }) }, { ...attributes, groups }),
            plain: (x, weight, bias) => convolution(x!, weight!, bias, s),
          },
          given(shapes, seed),
        );
      }),
      { numRuns: 12 },
    );
  });
});

describe('Upsample', () => {
  it.each(['nearest', 'bilinear'] as const)('%s equals its definition in value and gradient', (mode) => {
    fc.assert(
      fc.property(upTo(2), upTo(4), upTo(4), upTo(9), upTo(9), seeds, (...drawn) => {
        const [batch, height, width, tall, wide, seed] = drawn;
        const sizes = { batch, from: [height, width] as const, to: [tall, wide] as const, channels: 2 };
        expectSame(
          {
            fused: (x) => run('Upsample', { x }, { size: sizes.to, mode }),
            plain: (x) => upsample(x!, sizes, mode),
          },
          given([[batch, height, width, 2]], seed),
        );
      }),
      few,
    );
  });

  it('doubles a row of two pixels: a quarter and three quarters between', () => {
    const y = run('Upsample', { x: tf.tensor([0, 4], [1, 1, 2, 1]) }, { size: [1, 4], mode: 'bilinear' });
    expect(values(y)).toEqual([0, 1, 3, 4]);
  });
});
