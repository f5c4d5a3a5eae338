import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { setThreads } from '../src/index.ts';
import { run, useTorch, values } from './torch.ts';

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
