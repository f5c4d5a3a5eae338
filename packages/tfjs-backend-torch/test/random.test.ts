import * as tf from '@tensorflow/tfjs-core';
import { Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { setThreads } from '../src/index.ts';
import { distance, run, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

function moments(list: readonly number[]): { mean: number; deviation: number } {
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return { mean, deviation: Math.sqrt(list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length) };
}

describe.each(['SeededNormal', 'SeededUniform'])('%s', (name) => {
  const draw = (seed: number, shape: number[] = [10_003]) => values(run(name, {}, { shape, seed }));

  it('is a function of the seed, whatever the number of threads', () => {
    const first = draw(7);
    setThreads(1);
    expect(draw(7)).toEqual(first);
    setThreads(2);
    expect(draw(8)).not.toEqual(first);
    expect(draw(7 + 2 ** 40)).not.toEqual(first);
  });

  it('continues a shorter draw', () => {
    expect(draw(3, [12])).toEqual(draw(3, [5, 7]).slice(0, 12));
  });
});

it('SeededNormal is the Box-Muller transform, in double precision, of the uniform numbers of the same seed', () => {
  const shape = [4000];
  const uniform = values(run('SeededUniform', {}, { shape, seed: 11 })).map((u) => u + 0.5 / 2 ** 24);
  const expected = uniform.map((_, i) => {
    const [first, second] = [uniform[i - (i % 2)]!, uniform[i - (i % 2) + 1]!];
    const angle = 2 * Math.PI * second;
    return Math.sqrt(-2 * Math.log(first)) * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
  expect(distance(values(run('SeededNormal', {}, { shape, seed: 11 })), expected)).toBeLessThan(2e-5);
});

it('has the moments of the distributions asked for', () => {
  const normal = moments(values(run('SeededNormal', {}, { shape: [200_000], seed: 1, mean: 2, std: 3 })));
  expect(Math.abs(normal.mean - 2)).toBeLessThan(0.03);
  expect(Math.abs(normal.deviation - 3)).toBeLessThan(0.03);
  const list = values(run('SeededUniform', {}, { shape: [200_000], seed: 1, low: -1, high: 3 }));
  const uniform = moments(list);
  expect(Math.abs(uniform.mean - 1)).toBeLessThan(0.02);
  expect(Math.abs(uniform.deviation - 4 / Math.sqrt(12))).toBeLessThan(0.02);
  expect(list.every((x) => x >= -1 && x < 3)).toBe(true);
});

it('agrees with the published test vector of Philox 4x32-10 for counter and key zero', () => {
  // Random123's kat_vectors: philox4x32 10, all zero -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
  const words = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];
  expect(values(run('SeededUniform', {}, { shape: [4], seed: 0 }))).toEqual(
    words.map((word) => Math.fround((word >>> 8) / 2 ** 24)),
  );
});

it('draws categories in proportion and the same for the same seed', () => {
  const logits = tf.log(tf.tensor2d([[0.1, 0.6, 0.3]]));
  const draw = (seed: number) => values(tf.multinomial(logits as tf.Tensor2D, 30_000, seed));
  const drawn = draw(5);
  expect(draw(5)).toEqual(drawn);
  const share = [0, 1, 2].map((k) => drawn.filter((x) => x === k).length / drawn.length);
  [0.1, 0.6, 0.3].forEach((p, k) => {
    expect(Math.abs(share[k]! - p)).toBeLessThan(0.015);
  });
});

describe('KeyedNormal', () => {
  const draw = (keys: readonly Key[], size: number) =>
    values(run('KeyedNormal', {}, { shape: [keys.length, size], words: keys.flatMap((key) => key.words()) }));

  /** Box-Muller in double precision: cosine and sine of each pair of words. */
  function pairs(key: Key, size: number): number[] {
    const stream = key.stream();
    const both = Array.from({ length: Math.ceil(size / 2) }, () => {
      const radius = Math.sqrt(-2 * Math.log((stream.word() + 0.5) / 2 ** 32));
      const angle = 2 * Math.PI * (stream.word() / 2 ** 32);
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    });
    return both.flat().slice(0, size);
  }

  it('draws the pairs of the key stream, in any batch and at any size, odd ones too', () => {
    const size = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 5 }), fc.integer(), (length, rows, seed) => {
        const keys = Key.of(seed).split(rows);
        const drawn = draw(keys, length);
        expect(
          distance(
            drawn,
            keys.flatMap((key) => pairs(key, length)),
          ),
        ).toBeLessThan(1e-6);
        expect(drawn.slice(-length)).toEqual(draw(keys.slice(-1), length));
      }),
    );
  });

  it('stays within 1e-6 over half a million draws, rare ones included', () => {
    const drawn = draw([Key.of(1)], 500_000);
    expect(distance(drawn, pairs(Key.of(1), 500_000))).toBeLessThan(1e-6);
    expect(drawn.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeGreaterThan(4.5);
  });

  it('gives the same bits on any number of threads', () => {
    const keys = Key.of(2).split(64);
    const several = draw(keys, 1001);
    setThreads(1);
    expect(draw(keys, 1001)).toEqual(several);
    setThreads(2);
  });

  it('refuses words that are not two per row', () => {
    expect(() => run('KeyedNormal', {}, { shape: [2, 3], words: [1, 2] })).toThrow(/2 words .* 2 rows/);
  });
});
