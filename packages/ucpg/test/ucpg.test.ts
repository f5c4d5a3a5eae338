import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestChain, ucpg, weightedSum } from '../src/index.ts';
import { groups } from './arbitraries.ts';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]) =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

describe('ucpg', () => {
  it('standardises the sums along the chain (hand-worked)', () => {
    // Chain 0 < 2 < 3 with sums 0.7, 1.3, 1.9: mean 1.3, population std sqrt(0.24) = 0.4898979.
    // (0.7 - 1.3) / 0.4898979 = -1.2247449. Sample 1 beats 0 in dimension 0 and loses in dimension 1.
    const group = ucpg(
      [
        [0.2, 0.5],
        [0.9, 0.1],
        [0.6, 0.7],
        [0.9, 1.0],
      ],
      { epsilon: 0 },
    );
    expect(group.method).toBe('ucpg');
    expect(group.kept).toEqual([0, 2, 3]);
    expect(group.degenerate).toBeNull();
    expect(group.advantages[0]).toBeCloseTo(-1.2247449, 6);
    expect(group.advantages[1]).toBe(0);
    expect(group.advantages[2]).toBeCloseTo(0, 12);
    expect(group.advantages[3]).toBeCloseTo(1.2247449, 6);
  });

  it("gives the advantages of the paper's figure", () => {
    const figure = [-1.38, -0.83, -0.58, 0.43, 0.92, 1.43];
    // Rewards whose sums lie where the figure's advantages do: two dimensions that rise together, and two outsiders.
    const rewards = [...figure.map((a) => [0.5 + 0.1 * a, 0.5 + 0.2 * a]), [0.9, 0.1], [0.1, 0.95]];
    const group = ucpg(rewards);
    expect(group.kept).toEqual([0, 1, 2, 3, 4, 5]);
    figure.forEach((advantage, i) => {
      expect(Math.abs(group.advantages[i]! - advantage)).toBeLessThan(0.005);
    });
    const kept = group.kept.map((i) => group.advantages[i]!);
    expect(mean(kept)).toBeCloseTo(0, 10);
    expect(deviation(kept)).toBeCloseTo(1, 4);
  });

  it('gives equally spaced advantages by rank', () => {
    // Ranks 0, 1, 1, 2 (two equal vectors): mean 1, population std sqrt(0.5).
    const rewards = [
      [0, 0],
      [0.1, 0],
      [0.1, 0],
      [0.9, 0.9],
    ];
    const { advantages } = ucpg(rewards, { advantage: 'rank', epsilon: 0 });
    expect(advantages[0]).toBeCloseTo(-Math.SQRT2, 12);
    expect(advantages.slice(1, 3)).toEqual([0, 0]);
    expect(advantages[3]).toBeCloseTo(Math.SQRT2, 12);
  });

  it('divides by the floor, in units of one reward, when the spread is smaller', () => {
    // Sums 1.00 and 1.04: std 0.02 < 2 * 0.05, so A = -+0.02 / 0.1.
    const { advantages } = ucpg(
      [
        [0.5, 0.5],
        [0.52, 0.52],
      ],
      { standardDeviationFloor: 0.05, epsilon: 0 },
    );
    expect(advantages[0]).toBeCloseTo(-0.2, 12);
    expect(advantages[1]).toBeCloseTo(0.2, 12);
  });

  it('skips groups without a chain or without spread', () => {
    const zeros = { method: 'ucpg', advantages: [0, 0], kept: [] };
    expect(
      ucpg([
        [0, 1],
        [1, 0],
      ]),
    ).toEqual({ ...zeros, degenerate: 'too-short' });
    expect(
      ucpg([
        [0, 1],
        [0, 1],
      ]),
    ).toEqual({ ...zeros, degenerate: 'no-spread' });
    expect(ucpg([[0, 1], null])).toEqual({ ...zeros, degenerate: 'too-short' });
    expect(ucpg([undefined, null])).toEqual({ ...zeros, degenerate: 'too-short' });
    expect(ucpg([[0], [1]], { minimumChain: 3 }).degenerate).toBe('too-short');
  });
});

describe('properties of ucpg (method section 3)', () => {
  it('keeps only pairwise comparable samples, with advantages that never fall along the chain', () => {
    fc.assert(
      fc.property(groups(24), fc.constantFrom('sum' as const, 'rank' as const), (rewards, advantage) => {
        const { kept, advantages } = ucpg(rewards, { advantage });
        for (let at = 1; at < kept.length; at++) {
          const [low, high] = [rewards[kept[at - 1]!]!, rewards[kept[at]!]!];
          expect(low.every((value, k) => value <= high[k]!)).toBe(true);
          expect(advantages[kept[at - 1]!]!).toBeLessThanOrEqual(advantages[kept[at]!]!);
        }
        for (const i of rewards.keys()) if (!kept.includes(i)) expect(advantages[i]).toBe(0);
      }),
    );
  });

  it('follows a permutation of the group', () => {
    fc.assert(
      fc.property(
        groups(16).chain((rewards) =>
          fc.tuple(
            fc.constant(rewards),
            fc.shuffledSubarray([...rewards.keys()], { minLength: rewards.length }),
          ),
        ),
        ([rewards, permutation]) => {
          const plain = ucpg(rewards, { tieBreak: 'reward' });
          const permuted = ucpg(
            permutation.map((i) => rewards[i]!),
            { tieBreak: 'reward' },
          );
          permutation.forEach((i, at) => {
            expect(permuted.advantages[at]).toBeCloseTo(plain.advantages[i]!, 9);
          });
        },
      ),
    );
  });

  it('keeps its length under a strictly increasing map of one dimension, and by rank all advantages', () => {
    fc.assert(
      fc.property(groups(24), fc.integer({ min: 0, max: 3 }), (rewards, dimension) => {
        const stretched = rewards.map((row) =>
          row.map((value, k) => (k === dimension ? stretch(value) : value)),
        );
        // Rounding may make different values equal; the property speaks of strictly increasing maps.
        fc.pre(distinct(rewards, dimension) === distinct(stretched, dimension));
        expect(longestChain(stretched)).toHaveLength(longestChain(rewards).length);
        expect(ucpg(stretched, { advantage: 'rank' })).toEqual(ucpg(rewards, { advantage: 'rank' }));
      }),
    );
  });

  it('equals plain GRPO in one dimension', () => {
    fc.assert(
      fc.property(groups(16), (rewards) => {
        const first = rewards.map((row) => [row[0]!]);
        const chain = ucpg(first);
        const plain = weightedSum(first);
        expect(chain.kept.toSorted()).toEqual(plain.kept.toSorted());
        expect(chain.degenerate).toBe(plain.degenerate);
        chain.advantages.forEach((advantage, i) => {
          expect(advantage).toBeCloseTo(plain.advantages[i]!, 9);
        });
      }),
    );
  });

  it('agrees with every weighted sum on every pair of the chain', () => {
    const weights = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(groups(16), weights, (rewards, w) => {
        const { kept } = ucpg(rewards);
        const score = (i: number) => rewards[i]!.reduce((sum, value, k) => sum + w[k]! * value, 0);
        for (let at = 1; at < kept.length; at++)
          expect(score(kept[at - 1]!)).toBeLessThanOrEqual(score(kept[at]!));
      }),
    );
  });

  it('is the same with unjudged samples as without them', () => {
    fc.assert(
      fc.property(groups(12), fc.nat(), (rewards, draw) => {
        const at = draw % (rewards.length + 1);
        const gapped = [...rewards.slice(0, at), null, ...rewards.slice(at)];
        expect(ucpg(gapped).advantages.toSpliced(at, 1)).toEqual(ucpg(rewards).advantages);
      }),
    );
  });
});

const stretch = (value: number) => Math.exp(3 * value) - 5;
const distinct = (rewards: readonly number[][], k: number) => new Set(rewards.map((row) => row[k])).size;
