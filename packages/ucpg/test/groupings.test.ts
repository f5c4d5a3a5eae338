import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchScale,
  gdpo,
  grouping,
  groupingNames,
  lexicographic,
  pairs,
  paretoRank,
  weightedSum,
} from '../src/index.ts';
import { groupsWithGaps } from './arbitraries.ts';

const exact = { epsilon: 0 };
const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 12);
  });
};

describe('weightedSum', () => {
  it('standardises the weighted sum (hand-worked)', () => {
    // Scores 2*0+1 = 1, 2*1+1 = 3, 2*1+0 = 2: mean 2, population std sqrt(2/3).
    const { advantages, kept } = weightedSum(
      [
        [0, 1],
        [1, 1],
        [1, 0],
      ],
      { weights: [2, 1], ...exact },
    );
    close(advantages, [-Math.sqrt(1.5), Math.sqrt(1.5), 0]);
    expect(kept).toEqual([0, 2, 1]);
  });
});

describe('gdpo', () => {
  it('standardises each dimension before adding (hand-worked)', () => {
    // Dimension 0: 0, 1, 2 -> -1.2247, 0, 1.2247. Dimension 1: 9, 0, 9: mean 6, std sqrt(18) -> .7071, -1.4142, .7071.
    const { advantages } = gdpo(
      [
        [0, 9],
        [1, 0],
        [2, 9],
      ],
      exact,
    );
    const a = Math.sqrt(1.5);
    close(advantages, [-a + Math.SQRT1_2, -Math.SQRT2, a + Math.SQRT1_2]);
  });

  it('leaves out a dimension without spread', () => {
    close(
      gdpo(
        [
          [0, 5],
          [1, 5],
        ],
        exact,
      ).advantages,
      [-1, 1],
    );
    expect(
      gdpo([
        [0, 5],
        [0, 5],
      ]).degenerate,
    ).toBe('no-spread');
  });
});

describe('pairs', () => {
  it('counts dominated minus dominating over the others (hand-worked)', () => {
    // 0 is dominated by 1 and 2; 1 and 2 conflict; 3 conflicts with 0 ([-1, 9]) and with the others.
    const group = pairs([
      [0, 0],
      [1, 0],
      [0, 1],
      [-1, 9],
    ]);
    close(group.advantages, [-2 / 3, 1 / 3, 1 / 3, 0]);
    expect(group.kept).toEqual([0, 1, 2]);
  });

  it('does not count equal samples and adds up to nothing', () => {
    expect(
      pairs([
        [1, 1],
        [1, 1],
      ]).degenerate,
    ).toBe('no-spread');
    fc.assert(
      fc.property(groupsWithGaps(16), (rewards) => {
        const total = pairs(rewards).advantages.reduce((sum, advantage) => sum + advantage, 0);
        expect(total).toBeCloseTo(0, 9);
      }),
    );
  });
});

describe('paretoRank', () => {
  it('scores fronts (hand-worked)', () => {
    // Fronts: {1, 2} best, then 0. Scores 0, 0, -1: mean -1/3, population std sqrt(2)/3.
    const { advantages } = paretoRank(
      [
        [0, 0],
        [1, 0],
        [0, 1],
      ],
      exact,
    );
    close(advantages, [-Math.SQRT2, Math.SQRT1_2, Math.SQRT1_2]);
  });
});

describe('lexicographic', () => {
  it('lets the first dimension decide, then the second', () => {
    // Ranks: [0, 9] 0, [1, 0] 1, [1, 5] 2: mean 1, population std sqrt(2/3).
    close(
      lexicographic(
        [
          [1, 5],
          [0, 9],
          [1, 0],
        ],
        exact,
      ).advantages,
      [Math.sqrt(1.5), -Math.sqrt(1.5), 0],
    );
    close(
      lexicographic(
        [
          [1, 0],
          [0, 1],
        ],
        { priority: [1], ...exact },
      ).advantages,
      [-1, 1],
    );
  });

  it('lets the second dimension decide among those that pass the gate', () => {
    const rewards = [
      [0.9, 0.1],
      [0.8, 0.9],
      [0.2, 1],
    ];
    expect(lexicographic(rewards).kept).toEqual([2, 1, 0]);
    expect(lexicographic(rewards, { gates: [0.7, Number.POSITIVE_INFINITY] }).kept).toEqual([2, 0, 1]);
  });
});

describe('batchScale', () => {
  it('brings the root mean square of a batch to 1, not above what the floor allows', () => {
    // Advantages -1, 1, 0, 0: root mean square sqrt(1/2).
    const [first, second] = batchScale([pairs([[0], [1]]), pairs([[0], [0]])]);
    close(first!.advantages, [-Math.SQRT2, Math.SQRT2]);
    close(second!.advantages, [0, 0]);
    const weak = { method: 'pairs', advantages: [0.01, -0.01], kept: [1, 0], degenerate: null };
    close(batchScale([weak], { floor: 0.1 })[0]!.advantages, [0.1, -0.1]);
  });
});

describe.each(groupingNames)('grouping(%s)', (name) => {
  it('gives 0 to everybody who is not kept and finite advantages to all', () => {
    fc.assert(
      fc.property(groupsWithGaps(16), (rewards) => {
        const group = grouping(name)(rewards);
        expect(group.method).toBe(name);
        expect(group.advantages).toHaveLength(rewards.length);
        expect(group.advantages.every(Number.isFinite)).toBe(true);
        rewards.forEach((row, i) => {
          if (row === null) expect(group.kept).not.toContain(i);
          if (!group.kept.includes(i)) expect(group.advantages[i]).toBe(0);
        });
        expect(group.kept.length === 0).toBe(group.degenerate !== null);
        const along = group.kept.map((i) => group.advantages[i]!);
        expect(along).toEqual(along.toSorted((a, b) => a - b));
      }),
    );
  });
});
