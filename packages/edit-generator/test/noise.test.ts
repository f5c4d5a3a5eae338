import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { allButLast, drawNoise, drawWindow, fillNormal, firstHalf } from '../src/index.ts';
import { useTestEngine } from './engines.ts';

describe('fillNormal', () => {
  it('draws independent standard normal numbers', () => {
    const n = 100_000;
    const draws = new Float32Array(n);
    fillNormal(draws, Key.of(1).stream());
    const moment = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / n;
    // Standard errors sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n); bound 4.5 of them.
    expect(Math.abs(moment(1))).toBeLessThan(4.5 * Math.sqrt(1 / n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4.5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4.5 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4.5 * Math.sqrt(96 / n));
    const neighbours = draws.slice(1).reduce((sum, x, i) => sum + x * draws[i]!, 0) / n;
    expect(Math.abs(neighbours)).toBeLessThan(4.5 * Math.sqrt(1 / n));
  });

  it('fills an odd length', () => {
    const draws = new Float32Array(3);
    fillNormal(draws, Key.of(2).stream());
    expect(draws.every((draw) => draw !== 0)).toBe(true);
  });
});

describe('drawNoise', () => {
  beforeAll(() => useTestEngine('cpu'));

  it('decides each row by its key alone', async () => {
    const [a, b] = Key.of(3).split(2);
    const both = await drawNoise([a!, b!], [2, 3]).data();
    const alone = await drawNoise([b!], [2, 3]).data();
    expect(both.slice(6)).toEqual(alone);
  });
});

describe('windows', () => {
  it('leave the last step out', () => {
    expect(allButLast(4)).toEqual([0, 1, 2]);
    expect(firstHalf(6)).toEqual([0, 1, 2]);
    expect(firstHalf(1)).toEqual([]);
  });

  it('are decided by their key and reach every place', () => {
    const drawn = (shape: 'contiguous' | 'scattered', seed: number) =>
      drawWindow({ steps: 6, size: 2, shape }, Key.of(seed));
    expect(drawn('contiguous', 4)).toEqual(drawn('contiguous', 4));
    const seeds = Array.from({ length: 300 }, (_, seed) => seed);
    const runs = new Set(seeds.map((seed) => drawn('contiguous', seed).join()));
    expect([...runs].sort()).toEqual(['0,1', '1,2', '2,3', '3,4']);
    const pairs = new Set(seeds.map((seed) => drawn('scattered', seed).join()));
    expect(pairs.size).toBe(10);
  });

  it('must fit', () => {
    expect(() => drawWindow({ steps: 6, size: 4, within: 'firstHalf' }, Key.of(1))).toThrow(
      expect.objectContaining({ code: 'THINKRL_CONFIG', field: 'size' }),
    );
  });
});
