import type { Edit, EditTask, Grouping, JudgedChain, Judgement } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { assignCredit, improvementCredit } from '../src/credit.ts';
import type { GroupingFunction } from '../src/grouping-function.ts';
import { planCredit } from '../src/plan-credit.ts';
import { trainedChains, trainedEdits } from '../src/samples.ts';

const picture = { width: 1, height: 1, data: new Float32Array(3) };
const edit: Edit = {
  condition: { references: [picture], text: '' },
  image: picture,
  trajectory: { sigmas: [1, 0], shape: [0], states: [], stochastic: [], logProbs: [] },
};
const task: EditTask = { id: 'a', references: [picture], instruction: '', category: '' };
const reflection = {
  text: 'ok',
  tokens: new Int32Array(),
  logProbs: new Float32Array(),
  steps: [],
  wellFormed: true,
  verdict: 'ok' as const,
};

function member(index: number, stages: readonly (readonly number[] | null)[]): JudgedChain {
  const judgements: Judgement[] = stages.map((rewards) =>
    rewards === null ? { rewards: [], answers: [], unjudged: 'asleep' } : { rewards, answers: [] },
  );
  const rounds = stages.slice(1).map(() => ({ reflection, edit: null }));
  return { chain: { task, index, plan: null, first: edit, rounds }, stages: judgements };
}

const seen: (readonly (readonly number[] | null)[])[] = [];
const group: GroupingFunction = (rewards) => {
  seen.push(rewards);
  return {
    method: 'test',
    advantages: rewards.map((_, i) => i),
    kept: [],
    degenerate: null,
  } satisfies Grouping;
};

describe('improvementCredit', () => {
  it('divides by the root mean square without centring, by hand: sqrt((0.36 + 0 + 0.09) / 3) = 0.3873', () => {
    const { advantages, kept } = improvementCredit([0.6, 0, -0.3, null], 0.1);
    expect(advantages[0]).toBeCloseTo(1.5492, 4);
    expect(advantages[1]).toBe(0);
    expect(advantages[2]).toBeCloseTo(-0.7746, 4);
    expect(advantages[3]).toBe(0);
    expect(kept).toEqual([2, 0]);
  });

  it('never divides by less than the floor', () => {
    expect(improvementCredit([0.125, -0.125], 0.25).advantages).toEqual([0.5, -0.5]);
  });

  it('is degenerate when nothing changed', () => {
    expect(improvementCredit([0, 0, null], 0.05)).toMatchObject({ kept: [], degenerate: 'no-spread' });
  });
});

describe('assignCredit', () => {
  const judged = [
    member(0, [
      [0.2, 0.4],
      [0.8, 0.4],
    ]),
    member(1, [
      [0.5, 0.5],
      [0.5, 0.5],
    ]),
    member(2, [null, [1, 1]]),
  ];

  it('shares the final advantage with every stage', () => {
    seen.length = 0;
    const [only] = assignCredit(judged, { group, mode: 'shared', improvementFloor: 0.05 });
    expect(seen).toEqual([
      [
        [0.8, 0.4],
        [0.5, 0.5],
        [1, 1],
      ],
    ]);
    expect(only!.credit).toHaveLength(2);
    expect(only!.credit[1]).toBe(only!.credit[0]);
  });

  it('credits each stage with what it changed; an ok is worth exactly zero', () => {
    seen.length = 0;
    const [only] = assignCredit(judged, { group, mode: 'stage', improvementFloor: 0.05 });
    expect(seen).toEqual([[[0.2, 0.4], [0.5, 0.5], null]]);
    // mean rewards 0.3 -> 0.6, 0.5 -> 0.5, unjudged: rms = 0.3 / sqrt(2), so 0.3 becomes sqrt(2)
    expect(only!.credit[1]!.advantages[0]).toBeCloseTo(Math.SQRT2, 6);
    expect(only!.credit[1]!.advantages.slice(1)).toEqual([0, 0]);
  });

  it('refuses chains out of order', () => {
    expect(() => assignCredit([judged[1]!], { group, mode: 'shared', improvementFloor: 0 })).toThrow(
      'chain 1 came where 0',
    );
  });
});

describe('credit of plans and edits apart', () => {
  /** Advantages are rewards less their mean; keeps those that are judged and differ from it. */
  const centred: GroupingFunction = (rewards) => {
    const judged = rewards.filter((row) => row !== null).map((row) => row[0]!);
    const mean = judged.reduce((sum, value) => sum + value, 0) / judged.length;
    const advantages = rewards.map((row) => (row === null ? 0 : row[0]! - mean));
    const kept = advantages.flatMap((advantage, i) => (advantage === 0 ? [] : [i]));
    return { method: 'centred', advantages, kept, degenerate: kept.length === 0 ? 'no-spread' : null };
  };

  it('compares plans by their mean rewards and edits within their plan (hand-worked)', () => {
    // Plan 0: rewards 0 and 1, mean 0.5; plan 1: 3 alone; plan 2: 4 and 4. Plans' mean is 2.5.
    const { plan, edit } = planCredit([[0], [1], [3], null, [4], [4]], 2, centred);
    expect(plan.advantages).toEqual([-2, -2, 0.5, 0.5, 1.5, 1.5]);
    expect(plan.kept).toEqual([0, 1, 2, 3, 4, 5]);
    expect(edit.advantages).toEqual([-0.5, 0.5, 0, 0, 0, 0]);
    expect(edit.kept).toEqual([0, 1]);
  });

  it('leaves a plan without a judgement out, and says when no edits differ', () => {
    const { plan, edit } = planCredit([null, null, [1], [1], [2], [2]], 2, centred);
    expect(plan.advantages).toEqual([0, 0, -0.5, -0.5, 0.5, 0.5]);
    expect(plan.kept).toEqual([2, 3, 4, 5]);
    expect(edit).toMatchObject({ advantages: [0, 0, 0, 0, 0, 0], kept: [], degenerate: 'no-spread' });
  });

  it('drives plan tokens by the plan and denoising steps by the edit', () => {
    // One dimension; plan 0 has rewards 0 and 1, plan 1 has 3 and 3. Means 0.5 and 3: -1.25 and 1.25.
    const judged = [[0], [1], [3], [3]].map((rewards, i) => member(i, [rewards]));
    const groups = assignCredit(judged, {
      group: centred,
      mode: 'stage',
      improvementFloor: 0,
      editsPerPlan: 2,
    });
    expect(trainedChains(groups).map(({ advantages }) => advantages)).toEqual([
      [-1.25],
      [-1.25],
      [1.25],
      [1.25],
    ]);
    expect(trainedEdits(groups).map(({ advantage }) => advantage)).toEqual([-0.5, 0.5]);
  });
});
