import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { allButLast, drawWindow, firstHalf } from '../src/index.ts';

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
