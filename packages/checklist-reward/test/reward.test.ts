import { ConfigError, Key, ThinkError } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  checklistDimension,
  createChecklistReward,
  type Judge,
  JudgeContractError,
  MissingChecklistError,
  metricDimension,
  noisyJudge,
} from '../src/index.ts';
import { fakeJudge } from '../src/testing/index.ts';
import { chain, task } from './chains.ts';

/** Yes to `brighter` above 0, to `white` at 1, to `same` at 0. */
const exact = () =>
  fakeJudge((question, { image }) => {
    const value = image.data[0]!;
    const truth = { brighter: value > 0, white: value === 1, same: value === 0 }[question.id];
    return truth ? 'yes' : 'no';
  });
const quality = metricDimension({ name: 'quality', metric: ({ image }) => image.data[0]! });

describe('createChecklistReward', () => {
  it('gives one judgement per stage, in the order of the dimensions', async () => {
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge: exact() }), quality] });
    const [judged] = await reward.judge([chain(task('t'), 0, [0.5, 1])], Key.of(0));
    expect(reward.dimensions).toEqual(['instruction', 'quality']);
    // Grey 0.5: brighter yes (agrees), white no (expected yes), same no (agrees): 2/3. Grey 1: all three agree.
    expect(judged!.stages.map((stage) => stage.rewards)).toEqual([
      [2 / 3, 0.5],
      [1, 1],
    ]);
    expect(judged!.stages[0]!.answers.map((answer) => answer.agrees)).toEqual([true, false, true]);
  });

  it('judges the edit before an "ok" once and repeats its judgement', async () => {
    const judge = exact();
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge })] });
    const [judged] = await reward.judge([chain(task('t'), 0, [0.5, null, 1, null])], Key.of(0));
    const [first, second, third, fourth] = judged!.stages;
    expect(second).toBe(first);
    expect(fourth).toBe(third);
    expect(third).not.toBe(first);
    expect(judge.asked).toHaveLength(2);
  });

  it('does not depend on the order or size of the batch', async () => {
    const judge = noisyJudge(exact(), { flip: 0.5 });
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge }), quality] });
    const chains = ['a', 'b'].flatMap((id) => [0, 1, 2].map((index) => chain(task(id), index, [0.25, 1])));
    const key = Key.of(5);
    const together = await reward.judge(chains, key);
    const reversed = await reward.judge(chains.toReversed(), key);
    const alone = await Promise.all(chains.map((one) => reward.judge([one], key)));
    expect(reversed.toReversed()).toEqual(together);
    expect(alone.flat()).toEqual(together);
    const seen = new Set(together.map(({ stages }) => JSON.stringify(stages.map((stage) => stage.answers))));
    expect(seen.size).toBeGreaterThan(1);
  });

  it('marks a picture unjudged instead of scoring it 0', async () => {
    const judge = fakeJudge((question) => (question.id === 'white' ? undefined : 'yes'));
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge }), quality] });
    const [judged] = await reward.judge([chain(task('t'), 0, [0.5])], Key.of(0));
    expect(judged!.stages[0]).toEqual({
      rewards: [],
      answers: [],
      unjudged: 'instruction: no reply to white',
    });
  });

  it('adds what the oracle says', async () => {
    const reward = createChecklistReward({
      dimensions: [quality],
      oracle: ({ image }) => ({ grey: image.data[0]! }),
    });
    const [judged] = await reward.judge([chain(task('t'), 0, [0.25])], Key.of(0));
    expect(judged!.stages[0]!.oracle).toEqual({ grey: 0.25 });
  });

  it('asks other questions than the task has where told to', async () => {
    const judge = fakeJudge('yes');
    const questions = () => [{ id: 'edited', text: 'Was anything done?', expected: 'yes' as const }];
    const reward = createChecklistReward({
      dimensions: [checklistDimension({ judge, questions, name: 'x' })],
    });
    const [judged] = await reward.judge([chain(task('t'), 0, [0])], Key.of(0));
    expect(judged!.stages[0]!.rewards).toEqual([1]);
    expect(reward.dimensions).toEqual(['x']);
  });

  it('gives an empty batch without asking anyone', async () => {
    const judge = exact();
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge })] });
    expect(await reward.judge([], Key.of(0))).toEqual([]);
    expect(judge.asked).toEqual([]);
  });

  it('hands the abort signal to the judge', async () => {
    const signal = AbortSignal.abort();
    let seen: AbortSignal | undefined;
    const fake = fakeJudge('yes');
    const judge: Judge = {
      ...fake,
      answer: (requests, call) => {
        seen = call?.signal;
        return fake.answer(requests);
      },
    };
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge })] });
    await reward.judge([chain(task('t'), 0, [0])], Key.of(0), { signal });
    expect(seen).toBe(signal);
  });
});

describe('refusals', () => {
  const one = [chain(task('t'), 0, [1])];
  const judgedBy = (judge: Judge) =>
    createChecklistReward({ dimensions: [checklistDimension({ judge })] }).judge(one, Key.of(0));
  const broken = (answer: Judge['answer']): Judge => ({ name: 'broken', version: '0', answer });

  it('refuses no dimensions and equal names', () => {
    expect(() => createChecklistReward({ dimensions: [] })).toThrow(ConfigError);
    expect(() => createChecklistReward({ dimensions: [quality, quality] })).toThrow('each with its own name');
  });

  it('refuses a task without a checklist', async () => {
    const { checklist, ...bare } = task('bare');
    expect(checklist).toBeDefined();
    const reward = createChecklistReward({ dimensions: [checklistDimension({ judge: exact() })] });
    const failure = reward.judge([chain(bare, 0, [1])], Key.of(0));
    await expect(failure).rejects.toThrow(MissingChecklistError);
    await expect(failure).rejects.toMatchObject({ code: 'CHECKLIST_MISSING', taskId: 'bare' });
  });

  it('refuses a judge that breaks its contract', async () => {
    await expect(judgedBy(broken(async () => []))).rejects.toThrow('0 replies to 1 requests');
    await expect(judgedBy(broken(async () => [{ answers: [] }]))).rejects.toThrow('0 answers to 3 questions');
    const renamed = fakeJudge('yes');
    await expect(
      judgedBy(
        broken(async (requests) =>
          renamed.answer(
            requests.map((request) => ({ ...request, questions: request.questions.toReversed() })),
          ),
        ),
      ),
    ).rejects.toThrow('answers same where brighter was asked');
    const wrongMarks = (questionId: string) => ({ questionId, reply: 'yes' as const, agrees: true });
    await expect(
      judgedBy(
        broken(async () => [{ answers: [wrongMarks('brighter'), wrongMarks('white'), wrongMarks('same')] }]),
      ),
    ).rejects.toThrow('marks it the wrong way');
  });

  it('refuses a dimension that scores outside [0, 1] or not at all', async () => {
    for (const value of [1.5, -0.1, Number.NaN]) {
      const reward = createChecklistReward({
        dimensions: [metricDimension({ name: 'm', metric: () => value })],
      });
      const failure = reward.judge(one, Key.of(0));
      await expect(failure).rejects.toThrow(JudgeContractError);
      await expect(failure).rejects.toSatisfy(ThinkError.isInstance);
    }
    const silent = createChecklistReward({ dimensions: [{ name: 's', score: async () => [] }] });
    await expect(silent.judge(one, Key.of(0))).rejects.toThrow('0 scores for 1 pictures');
  });
});
