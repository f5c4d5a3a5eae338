import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Grouping, longestChain, pairs, ucpg } from '../src/index.ts';
import { conflicts, groups } from './arbitraries.ts';

// The numbered statements of docs/ucpg.md.

const atMost = (a: readonly number[], b: readonly number[]) => a.every((value, k) => value <= b[k]!);
const length = (rewards: readonly number[][]) => (rewards.length === 0 ? 0 : longestChain(rewards).length);

/** A sample better than all of `rewards` in every dimension but the first, where it gets `hard`. */
function trivial(rewards: readonly number[][], hard: number): number[] {
  return rewards[0]!.map((_, k) => (k === 0 ? hard : 2));
}

/** How the update moves the expected reward of dimension `k` in this group: the sum of A r. */
function pull({ advantages }: Grouping, rewards: readonly number[][], k: number): number {
  return advantages.reduce((sum, advantage, i) => sum + advantage * rewards[i]![k]!, 0);
}

describe('a sample that is best in every dimension but one', () => {
  const hard = fc.constantFrom(-1, 0, 0.25, 0.5, 1);

  it('is never pushed down by UCPG or by pairs', () => {
    fc.assert(
      fc.property(conflicts(14), hard, (rewards, value) => {
        const group = [...rewards, trivial(rewards, value)];
        expect(ucpg(group).advantages.at(-1)).toBeGreaterThanOrEqual(0);
        expect(ucpg(group, { advantage: 'rank' }).advantages.at(-1)).toBeGreaterThanOrEqual(0);
        expect(pairs(group).advantages.at(-1)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is pushed up by UCPG only if the chain below it is as long as any other less one, and then to the top', () => {
    fc.assert(
      fc.property(conflicts(14), hard, (rewards, value) => {
        const group = [...rewards, trivial(rewards, value)];
        const { kept, advantages } = ucpg(group);
        const below = length(rewards.filter((row) => row[0]! <= value));
        const inChain = kept.includes(rewards.length);
        if (below + 1 > length(rewards)) expect(inChain || kept.length === 0).toBe(true);
        if (below + 1 < length(rewards)) expect(inChain).toBe(false);
        if (!inChain) return;
        expect(kept.at(-1)).toBe(rewards.length);
        expect(advantages.at(-1)).toBeGreaterThan(0);
      }),
    );
  });

  it('gets 0 when it is below everybody in that dimension and two others can be ordered', () => {
    fc.assert(
      fc.property(conflicts(14), (rewards) => {
        fc.pre(length(rewards) >= 2);
        expect(ucpg([...rewards, trivial(rewards, -1)]).advantages.at(-1)).toBe(0);
      }),
    );
  });

  it('is never pushed up with a lead that more than the tolerated share beat it in', () => {
    fc.assert(
      fc.property(conflicts(14), hard, fc.constantFrom(0, 0.25, 0.5), (rewards, value, leadTolerance) => {
        const group = [...rewards, trivial(rewards, value)];
        const better = rewards.filter((row) => row[0]! > value).length;
        fc.pre(better > leadTolerance * group.length);
        const { kept, advantages, outranked } = ucpg(group, { lead: 0, leadTolerance });
        expect(advantages.at(-1)).toBeLessThanOrEqual(0);
        // It is pushed down exactly if the lowest member of the chain that beats it is pushed down.
        const chain = kept.filter((i) => !outranked!.some(({ sample }) => sample === i));
        const by = chain.find((i) => group[i]![0]! > value);
        expect(advantages.at(-1)).toBe(by === undefined ? 0 : Math.min(0, advantages[by]!));
      }),
    );
  });
});

it('a sample that is worst in one dimension is never pushed up, with a lead or without', () => {
  fc.assert(
    fc.property(conflicts(14), fc.constantFrom(undefined, 0), (rewards, lead) => {
      const reckless = rewards[0]!.map((_, k) => (k === 1 ? -1 : 2));
      const options = lead === undefined ? {} : { lead };
      expect(ucpg([...rewards, reckless], options).advantages.at(-1)).toBeLessThanOrEqual(0);
    }),
  );
});

it('UCPG and pairs pull no dimension down', () => {
  fc.assert(
    fc.property(groups(20), fc.constantFrom('sum' as const, 'rank' as const), (rewards, advantage) => {
      for (const grouping of [ucpg(rewards, { advantage }), pairs(rewards)])
        for (const k of rewards[0]!.keys()) expect(pull(grouping, rewards, k)).toBeGreaterThanOrEqual(-1e-9);
    }),
  );
});

it('one corrupted sample changes the length of the chain by at most 1, and pairs of others by 2 / (N - 1)', () => {
  fc.assert(
    fc.property(
      groups(16),
      fc.nat(),
      fc.array(fc.double({ min: -9, max: 9, noNaN: true })),
      (rewards, draw, bad) => {
        fc.pre(rewards.length > 1);
        const at = draw % rewards.length;
        const corrupted = rewards.with(
          at,
          rewards[at]!.map((value, k) => bad[k] ?? value),
        );
        expect(Math.abs(length(corrupted) - length(rewards))).toBeLessThanOrEqual(1);
        const [before, after] = [pairs(rewards).advantages, pairs(corrupted).advantages];
        for (const i of rewards.keys())
          if (i !== at)
            expect(Math.abs(after[i]! - before[i]!)).toBeLessThanOrEqual(2 / (rewards.length - 1) + 1e-12);
      },
    ),
  );
});

describe('UCPG with a lead', () => {
  it('gives no sample more than one that is at least as good, unless the first is rewarded and the second left out', () => {
    fc.assert(
      fc.property(groups(16), (rewards) => {
        const { advantages, kept } = ucpg(rewards, { lead: 0 });
        for (const [i, low] of rewards.entries())
          for (const [j, high] of rewards.entries())
            if (atMost(low, high) && !(advantages[i]! > 0 && !kept.includes(j)))
              expect(advantages[i]).toBeLessThanOrEqual(advantages[j]!);
      }),
    );
  });

  it('keeps a chain of comparable samples whose advantages never fall, and the others at most at 0', () => {
    fc.assert(
      fc.property(groups(16), (rewards) => {
        const { advantages, kept, outranked } = ucpg(rewards, { lead: 0 });
        const outside = new Set(outranked?.map(({ sample }) => sample));
        const chain = kept.filter((i) => !outside.has(i));
        expect(chain).toEqual(chain.length === 0 ? [] : longestChain(rewards, { lead: 0 }));
        for (const { sample, by } of outranked ?? []) {
          expect(chain).toContain(by);
          expect(advantages[sample]).toBe(advantages[by]);
          expect(advantages[sample]).toBeLessThan(0);
        }
        for (const i of rewards.keys()) if (!kept.includes(i)) expect(advantages[i]).toBe(0);
      }),
    );
  });

  it('equals UCPG in one dimension, and everywhere when the chain holds everybody', () => {
    fc.assert(
      fc.property(groups(12), (rewards) => {
        const first = rewards.map((row) => [row[0]!]);
        expect(ucpg(first, { lead: 0 }).advantages).toEqual(ucpg(first).advantages);
        if (ucpg(rewards).kept.length === rewards.length)
          expect(ucpg(rewards, { lead: 0 }).advantages).toEqual(ucpg(rewards).advantages);
      }),
    );
  });

  it('by rank does not change under a strictly increasing map of one dimension', () => {
    fc.assert(
      fc.property(groups(16), fc.integer({ min: 0, max: 3 }), (rewards, dimension) => {
        const cubed = rewards.map((row) => row.map((value, k) => (k === dimension ? 8 * value ** 3 : value)));
        const levels = (rows: readonly number[][]) => new Set(rows.map((row) => row[dimension])).size;
        fc.pre(levels(cubed) === levels(rewards)); // rounding may make different values equal
        const options = { lead: 0, advantage: 'rank' } as const;
        expect(ucpg(cubed, options)).toEqual(ucpg(rewards, options));
      }),
    );
  });

  it('follows a permutation of the group', () => {
    fc.assert(
      fc.property(groups(12), (rewards) => {
        const options = { lead: 0, tieBreak: 'reward' } as const;
        const turned = ucpg(rewards.toReversed(), options).advantages.toReversed();
        ucpg(rewards, options).advantages.forEach((advantage, i) => {
          expect(turned[i]).toBeCloseTo(advantage, 9);
        });
      }),
    );
  });

  it('pushes an idle edit down (hand-worked)', () => {
    // Chain 0 < 1 < 2 with sums 0.9, 1.2, 1.5: A = -1.2247, 0, 1.2247. Sample 3 is best in dimension 1 and worst in
    // dimension 0: beaten by all of the chain, it shares the lowest place. Sample 4 is beaten by 2 alone: 0.
    const rewards = [
      [0.5, 0.4],
      [0.7, 0.5],
      [0.9, 0.6],
      [0.1, 1],
      [0.8, 0.3],
    ];
    const group = ucpg(rewards, { lead: 0, epsilon: 0 });
    expect(group.kept).toEqual([3, 0, 1, 2]);
    expect(group.outranked).toEqual([{ sample: 3, by: 0 }]);
    const expected = [-Math.sqrt(1.5), 0, Math.sqrt(1.5), -Math.sqrt(1.5), 0];
    expected.forEach((advantage, i) => {
      expect(group.advantages[i]).toBeCloseTo(advantage, 12);
    });
  });

  it('refuses the top of the chain to a sample that the group outdoes in the lead (hand-worked)', () => {
    // The longest chain is 0 < 1 < 4; half of the group beat 4 in dimension 0. The longest chain with another top that
    // has the greater spread is 0 < 2 < 3.
    const rewards = [
      [0.1, 0.1],
      [0.2, 0.2],
      [0.8, 0.15],
      [0.9, 0.16],
      [0.3, 1],
      [0.85, 0.12],
    ];
    expect(longestChain(rewards)).toEqual([0, 1, 4]);
    expect(longestChain(rewards, { lead: 0 })).toEqual([0, 2, 3]);
    expect(longestChain(rewards, { lead: 0, leadTolerance: 0.5 })).toEqual([0, 1, 4]);
  });
});
