import {
  checklistDimension,
  intervalDimension,
  noisyJudge,
  noisyRater,
  type RewardDimension,
  repeatSpread,
} from '@thinkrl/checklist-reward';
import { fakeJudge } from '@thinkrl/checklist-reward/testing';
import { type Image, Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  createMicroReward,
  exactJudge,
  exactRater,
  type MicroTask,
  renderScene,
  taskList,
} from '../src/index.ts';

const tasks = taskList(Key.of(11), 'id', 200);
const right = (task: MicroTask): Image => renderScene({ ...task.scene, cells: task.truth });

describe('a judge that says the same to everything', () => {
  const pictures: Readonly<Record<string, (task: MicroTask) => Image>> = {
    right,
    untouched: (task) => task.references[0]!,
  };
  const scoresOf = async (dimension: RewardDimension<MicroTask>, picture: (task: MicroTask) => Image) => {
    const requests = tasks.map((task) => ({ task, image: picture(task), key: Key.of(0) }));
    return (await dimension.score(requests)).map((score) => ('value' in score ? score.value : Number.NaN));
  };

  it.each(['yes', 'no'] as const)('scores one half on every checklist: %s', async (reply) => {
    const dimension = checklistDimension<MicroTask>({ judge: fakeJudge(reply) });
    for (const picture of Object.values(pictures))
      expect(new Set(await scoresOf(dimension, picture))).toEqual(new Set([0.5]));
  });

  it.each(['yes', 'no'] as const)(
    'scores one half on average with the question that the default reward adds: %s',
    async (reply) => {
      const reward = createMicroReward('benign', fakeJudge<MicroTask>(reply));
      const chains = tasks.map((task, index) => ({
        task: { ...task, id: `${index}` },
        index: 0,
        plan: null,
        first: {
          condition: { references: task.references, text: '' },
          image: right(task),
          trajectory: { sigmas: [1, 0], shape: [1], states: [], stochastic: [], logProbs: [] },
        },
        rounds: [],
      }));
      const judged = await reward.judge(chains, Key.of(0));
      const scores = judged.map(({ stages }) => stages[0]!.rewards[0]!);
      expect(Math.abs(scores.reduce((sum, score) => sum + score, 0) / scores.length - 0.5)).toBeLessThan(
        0.05,
      );
    },
  );
});

describe('noise of the checklist score and of the interval score, on right edits', () => {
  const flip = 0.03;
  const pictures = tasks.slice(0, 60).map((task) => ({ task, image: right(task) }));
  const deviation = async (dimension: RewardDimension<MicroTask>) =>
    (await repeatSpread(dimension, pictures, { repeats: 200, key: Key.of(5) })).deviation;
  const interval = (error: 'another' | 'opposite') =>
    intervalDimension<MicroTask>({ rater: noisyRater(exactRater(), { wrong: flip, error }) });

  it('are what flips give by hand, at most half of a mark that turns into its opposite', async () => {
    const judge = noisyJudge(exactJudge(), { flip });
    const checklist = await deviation(checklistDimension<MicroTask>({ judge }));
    // A picture with n questions: flip (1 - flip) / n.
    const variances = pictures.map(({ task }) => (flip * (1 - flip)) / task.checklist.questions.length);
    const expected = Math.sqrt(variances.reduce((sum, value) => sum + value, 0) / variances.length);
    expect(Math.abs(checklist / expected - 1)).toBeLessThan(0.05);
    // A mark of 5 that is 1 now and then: flip (1 - flip).
    const opposite = await deviation(interval('opposite'));
    expect(Math.abs(opposite / Math.sqrt(flip * (1 - flip)) - 1)).toBeLessThan(0.05);
    expect(checklist / opposite).toBeLessThanOrEqual(0.5);
  });

  it('are two thirds of a mark that turns into any other', async () => {
    const judge = noisyJudge(exactJudge(), { flip });
    const another = await deviation(interval('another'));
    // The loss is 1, 3/4, 1/2 or 1/4 in a quarter of the cases each: mean square 15/32, mean 5/8.
    const expected = Math.sqrt((flip * 15) / 32 - ((flip * 5) / 8) ** 2);
    expect(Math.abs(another / expected - 1)).toBeLessThan(0.06);
    const ratio = (await deviation(checklistDimension<MicroTask>({ judge }))) / another;
    expect(Math.abs(ratio - 0.66)).toBeLessThan(0.06);
  });
});
