import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestChain, type Rewards, ucpg } from '../src/index.ts';
import { groups, groupsWithGaps } from './arbitraries.ts';
import { bruteForceChain } from './brute-force.ts';

const byIndex = (chain: readonly number[]) => chain.toSorted((a, b) => a - b);

describe('longestChain', () => {
  it('equals trying every subset, with ties, duplicates and missing judgements', () => {
    fc.assert(
      fc.property(groupsWithGaps(12), (rewards) => {
        const chain = bruteForceChain(rewards);
        expect(byIndex(longestChain(rewards))).toEqual(chain);
        const { advantages } = ucpg(rewards, { epsilon: 0 });
        standardisedSums(rewards, chain).forEach((advantage, i) => {
          expect(advantages[i]).toBeCloseTo(advantage, 9);
        });
      }),
      { numRuns: 2000, seed: 11 },
    );
  });

  it('equals trying every subset of different vectors when only one of equal ones may stay', () => {
    fc.assert(
      fc.property(groups(10), (rewards) => {
        const chain = longestChain(rewards, { duplicates: 'one' });
        expect(byIndex(chain)).toEqual(bruteForceChain(rewards, { duplicates: 'one' }));
      }),
      { numRuns: 500, seed: 12 },
    );
  });

  it('equals trying every subset whose top few samples beat in the lead', () => {
    fc.assert(
      fc.property(groupsWithGaps(10), fc.constantFrom(0, 0.25, 0.5, 1), (rewards, leadTolerance) => {
        const options = { lead: 0, leadTolerance };
        expect(byIndex(longestChain(rewards, options))).toEqual(bruteForceChain(rewards, options));
      }),
      { numRuns: 2000, seed: 13 },
    );
  });

  it('lists its members worst first, each at most the next', () => {
    fc.assert(
      fc.property(groups(40), (rewards) => {
        const chain = longestChain(rewards);
        for (let at = 1; at < chain.length; at++)
          expect(rewards[chain[at - 1]!]!.every((value, k) => value <= rewards[chain[at]!]![k]!)).toBe(true);
      }),
    );
  });

  it('takes the widest of two equally long chains', () => {
    // 0 <= 2 has spread 1.0, 1 <= 3 has spread 1.2 - 0.7 = 0.5; 0 and 3, 1 and 2 conflict.
    const rewards = [
      [0.0, 0.5],
      [0.7, 0.0],
      [0.6, 0.9],
      [0.8, 0.4],
    ];
    expect(longestChain(rewards)).toEqual([0, 2]);
  });

  it('takes the lowest indices when length and spread are equal, or the rewards when asked to', () => {
    const rewards = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ];
    expect(longestChain(rewards)).toEqual([0, 1, 3]);
    // In the linear extension [0, 1] comes before [1, 0].
    expect(longestChain(rewards, { tieBreak: 'reward' })).toEqual([0, 2, 3]);
  });

  it('keeps equal vectors together', () => {
    expect(longestChain([[1], [0], [1]])).toEqual([1, 0, 2]);
    expect(longestChain([[1], [0], [1]], { duplicates: 'one' })).toEqual([1, 0]);
  });

  it('grows like e * n^(1/k) at most and at least like the greedy bound for random points', () => {
    const chain = longestChain(
      Array.from({ length: 4096 }, (_, i) => [frac(i * 0.754877666), frac(i * 0.56984029)]),
    );
    // Any two-dimensional sequence of n points has a chain or an antichain of sqrt(n) = 64 points (Erdos-Szekeres).
    const reversed = longestChain(
      Array.from({ length: 4096 }, (_, i) => [frac(i * 0.754877666), -frac(i * 0.56984029)]),
    );
    expect(Math.max(chain.length, reversed.length)).toBeGreaterThanOrEqual(64);
  });
});

/** Sums of the chain's members, standardised with the population deviation; 0 for all others. */
function standardisedSums(rewards: Rewards, chain: readonly number[]): readonly number[] {
  const sums = chain.map((i) => rewards[i]!.reduce((total, value) => total + value, 0));
  const mean = sums.reduce((total, value) => total + value, 0) / sums.length;
  const deviation = Math.sqrt(sums.reduce((total, value) => total + (value - mean) ** 2, 0) / sums.length);
  return rewards.map((_, i) => {
    const at = chain.indexOf(i);
    return at < 0 || deviation < 1e-12 ? 0 : (sums[at]! - mean) / deviation;
  });
}

const frac = (x: number) => x - Math.floor(x);
