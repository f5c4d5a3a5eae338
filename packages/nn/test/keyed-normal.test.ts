import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { fillNormal, keyedNormal } from '../src/index.ts';
import { torchIsHere, useCpu } from './engine.ts';

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

const torch = await torchIsHere();

describe.each([['cpu', useCpu], ...(torch ? [['torch', torchIsHere] as const] : [])] as const)(
  'keyedNormal on %s',
  (_, use) => {
    beforeAll(async () => {
      await use();
    });

    it('decides each row by its key alone', async () => {
      const [a, b] = Key.of(3).split(2);
      const both = await keyedNormal([a!, b!], [3, 3]).data();
      const alone = await keyedNormal([b!], [9]).data();
      expect(both.slice(9)).toEqual(alone);
    });

    it('draws what the stream of the key draws', async () => {
      const key = Key.of(4).fold('noise');
      const row = new Float32Array(33);
      fillNormal(row, key.stream());
      const drawn = keyedNormal([key], [3, 11]);
      expect(drawn.shape).toEqual([1, 3, 11]);
      (await drawn.data()).forEach((value, i) => {
        expect(Math.abs(value - row[i]!)).toBeLessThan(1e-6);
      });
    });
  },
);
