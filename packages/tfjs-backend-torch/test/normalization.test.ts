import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, it } from 'vitest';
import { groupNorm, layerNorm, rmsNorm } from './reference.ts';
import { expectSame, few, given, run, seeds, upTo, useTorch } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const affines = [
  ['gain and bias', true, true],
  ['gain alone', true, false],
  ['bias alone', false, true],
  ['neither', false, false],
] as const;

/** Picks gain and bias out of what follows x. */
function affineOf<T>(rest: readonly T[], gained: boolean, biased: boolean) {
  return { gain: gained ? rest[0] : undefined, bias: biased ? rest.at(-1) : undefined };
}

/** The inputs that are there. */
function present(inputs: Readonly<Record<string, tf.Tensor | undefined>>): object {
  return Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
}

describe.each(affines)('with %s', (_, gained, biased) => {
  const vectors = (width: number) => [...(gained ? [[width]] : []), ...(biased ? [[width]] : [])];

  it('LayerNorm equals its definition in value and gradient', () => {
    fc.assert(
      fc.property(upTo(5), fc.integer({ min: 2, max: 20 }), seeds, (rows, width, seed) => {
        const inputs = given([[rows, width], ...vectors(width)], seed);
        expectSame(
          {
            fused: (x, ...rest) =>
              run('LayerNorm', present({ x, ...affineOf(rest, gained, biased) }), { epsilon: 1e-2 }),
            plain: (x, ...rest) => {
              const { gain, bias } = affineOf(rest, gained, biased);
              return layerNorm(x!, width, gain, bias, 1e-2);
            },
          },
          inputs,
        );
      }),
      few,
    );
  });

  it('GroupNorm equals its definition in value and gradient, over images and volumes', () => {
    const sizesOf = fc.record({
      batch: upTo(2),
      space: fc.constantFrom<number[][]>([], [3], [2, 3], [2, 1, 3]),
      groups: upTo(3),
      share: upTo(3),
      seed: seeds,
    });
    fc.assert(
      fc.property(sizesOf, ({ batch, space, groups, share, seed }) => {
        const channels = groups * share;
        const places = space.reduce((a, b) => a * b, 1);
        const sizes = { places, channels, groups, epsilon: 0.1 };
        const inputs = given([[batch, ...space, channels], ...vectors(channels)], seed);
        expectSame(
          {
            fused: (x, ...rest) =>
              run('GroupNorm', present({ x, ...affineOf(rest, gained, biased) }), { groups, epsilon: 0.1 }),
            plain: (x, ...rest) => groupNorm(x!, affineOf(rest, gained, biased), sizes),
          },
          inputs,
        );
      }),
      few,
    );
  });
});

describe('RmsNorm', () => {
  it('equals its definition in value and gradient at random shapes, beyond one block of rows too', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 3, 70, 130), upTo(9), seeds, (rows, width, seed) => {
        expectSame(
          {
            fused: (x, gain) => run('RmsNorm', { x, gain }, { epsilon: 1e-2 }),
            plain: (x, gain) => rmsNorm(x!, width, gain!, 1e-2),
          },
          given([[rows, width], [width]], seed),
        );
      }),
      { numRuns: 8 },
    );
  });
});
