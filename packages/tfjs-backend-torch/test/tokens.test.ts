import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memoryStatistics, resetPeakMemory, setThreads } from '../src/index.ts';
import { linear, rowsOf, tokenLogProb } from './reference.ts';
import {
  distance,
  expectSame,
  few,
  given,
  numbers,
  random,
  run,
  runAll,
  seeds,
  upTo,
  useTorch,
  values,
} from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

function idsBelow(width: number, count: number, seed: number): number[] {
  return numbers(count, seed).map((v) => Math.floor(((v + 1) / 2) * width));
}

function joined({ logProb, entropy }: { logProb: number[]; entropy: number[] }): number[] {
  return [...logProb, ...entropy];
}

describe('Embedding', () => {
  it('equals its definition in value and gradient, ids that come again and ids of any rank', () => {
    fc.assert(
      fc.property(
        upTo(5),
        upTo(4),
        fc.constantFrom<number[][]>([], [3], [2, 3]),
        seeds,
        (vocabulary, width, shape, seed) => {
          const list = idsBelow(
            vocabulary,
            shape.reduce((a, b) => a * b, 1),
            seed,
          );
          const ids = tf.tensor(list, shape, 'int32');
          expectSame(
            {
              fused: (weight) => run('Embedding', { weight, ids }),
              plain: (weight) => list.flatMap((id) => rowsOf(weight!, width)[id]!),
            },
            given([[vocabulary, width]], seed),
          );
        },
      ),
      few,
    );
  });

  it('adds up its gradient in the same order on any number of threads', () => {
    const ids = tf.tensor1d(idsBelow(3000, 5000, 1), 'int32');
    const dy = random([5000, 7], 2);
    const grad = () => values(run('EmbeddingGrad', { dy, ids }, { vocabulary: 3000 }));
    const two = grad();
    setThreads(1);
    expect(grad()).toEqual(two);
    setThreads(2);
  });
});

describe('TokenLogProb', () => {
  it('equals its definition in value and in the gradient of both results', () => {
    fc.assert(
      fc.property(upTo(5), upTo(21), seeds, (rows, width, seed) => {
        const list = idsBelow(width, rows, seed + 1);
        const ids = tf.tensor1d(list, 'int32');
        expectSame(
          {
            fused: (logits) => tf.concat(runAll('TokenLogProb', { logits, ids })),
            plain: (logits) => joined(tokenLogProb(logits!, width, list)),
          },
          given([[rows, width]], seed).map(({ shape, data }) => ({ shape, data: data.map((v) => 3 * v) })),
        );
      }),
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

describe('HeadLogProb', () => {
  const plainOf =
    (width: number, vocabulary: number, list: number[]) =>
    (...x: (readonly number[])[]) =>
      joined(tokenLogProb(linear(x[0]!, x[1]!, x[2], width), vocabulary, list));

  it('equals its definition in value and in the gradient of hidden, weight and bias', () => {
    fc.assert(
      fc.property(
        upTo(5),
        upTo(6),
        upTo(11),
        fc.boolean(),
        seeds,
        (rows, width, vocabulary, biased, seed) => {
          const list = idsBelow(vocabulary, rows, seed + 5);
          const ids = tf.tensor1d(list, 'int32');
          const shapes = [[rows, width], [vocabulary, width], ...(biased ? [[vocabulary]] : [])];
          expectSame(
            {
              fused: (hidden, weight, bias) =>
                tf.concat(runAll('HeadLogProb', { hidden, weight, ids, ...(bias && { bias }) })),
              plain: plainOf(width, vocabulary, list),
            },
            given(shapes, seed),
          );
        },
      ),
      few,
    );
  });

  it('equals the kernel on logits over several steps, and never holds them all', () => {
    const [rows, width, vocabulary] = [300, 8, 50_000];
    const [hidden, weight] = [random([rows, width], 1), random([vocabulary, width], 2)];
    const ids = tf.tensor1d(idsBelow(vocabulary, rows, 3), 'int32');
    const slopes = (name: string, logits: (h: tf.Tensor, w: tf.Tensor) => object) =>
      tf
        .grads((h, w) => tf.sum(tf.concat(runAll(name, { ...logits(h!, w!), ids }))))([hidden, weight])
        .map(values);
    const before = memoryStatistics().allocatedBytes;
    resetPeakMemory();
    const mine = slopes('HeadLogProb', (h, w) => ({ hidden: h, weight: w }));
    expect(memoryStatistics().peakBytes - before).toBeLessThan((rows * vocabulary * 4) / 2);
    const whole = slopes('TokenLogProb', (h, w) => ({ logits: run('Linear', { x: h, weight: w }) }));
    mine.forEach((gradient, i) => {
      expect(distance(gradient, whole[i]!)).toBeLessThan(1e-3);
    });
  });

  it('leaves the gradient of a frozen head out', () => {
    const [hidden, weight] = [random([2, 3], 1), random([4, 3], 2)];
    const ids = tf.tensor1d([0, 3], 'int32');
    const by = (frozen: boolean) =>
      values(tf.grad((h) => tf.sum(run('HeadLogProb', { hidden: h, weight, ids }, { frozen })))(hidden));
    expect(by(true)).toEqual(by(false));
    const byWeight = () =>
      tf.grad((w) => tf.sum(run('HeadLogProb', { hidden, weight: w, ids }, { frozen: true })))(weight);
    expect(byWeight).toThrow(/weight/);
  });
});
