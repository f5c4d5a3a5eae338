import { type Answer, ConfigError, Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  answerTo,
  flipAnswers,
  type JudgeReply,
  judgeAgreement,
  type Metric,
  noisyJudge,
  roughMetric,
} from '../src/index.ts';
import { fakeJudge } from '../src/testing/index.ts';
import { grey, task } from './chains.ts';

const questions = Array.from({ length: 4000 }, (_, index) => ({
  id: `${index}`,
  text: '?',
  expected: 'yes' as const,
}));
const request = { task: task('t'), image: grey(0), questions, key: Key.of(3) };

function answersOf(reply: JudgeReply): readonly Answer[] {
  if ('unjudged' in reply) throw new Error(reply.unjudged);
  return reply.answers;
}

describe('noisyJudge', () => {
  it('flips at the given rate and by the key alone', async () => {
    const [truth] = await fakeJudge('yes').answer([request]);
    const judge = noisyJudge(fakeJudge('yes'), { flip: 0.03 });
    const [first, again, other] = await judge.answer([request, request, { ...request, key: Key.of(4) }]);
    // 4000 draws at 0.03: 120 flips expected, standard deviation 10.8.
    const flips = 4000 * (1 - judgeAgreement(answersOf(truth!), answersOf(first!)).rate);
    expect(Math.abs(flips - 120)).toBeLessThan(4 * 10.8);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(judge.name).toBe('fake+noise');
  });

  it('has a rate of its own for either reply', async () => {
    const flip = { yes: 0, no: 1 };
    const [yes] = await noisyJudge(fakeJudge('yes'), { flip }).answer([request]);
    const [no] = await noisyJudge(fakeJudge('no'), { flip }).answer([request]);
    expect(yes).toEqual((await fakeJudge('yes').answer([request]))[0]);
    expect(no).toEqual(yes);
  });

  it('passes an unjudged picture on', async () => {
    const [reply] = await noisyJudge(
      fakeJudge(() => undefined),
      { flip: 0.5 },
    ).answer([request]);
    expect(reply).toEqual({ unjudged: 'no reply to 0' });
  });

  it('refuses rates that are no rates', () => {
    expect(() => noisyJudge(fakeJudge('yes'), { flip: 1.5 })).toThrow(ConfigError);
    expect(() => noisyJudge(fakeJudge('yes'), { flip: { yes: 0, no: Number.NaN } })).toThrow('flip.no');
  });
});

describe('flipAnswers', () => {
  it('turns reply, agreement and probability together', () => {
    const answer = { ...answerTo({ id: 'a', text: '?', expected: 'no' }, 'yes'), probabilityOfYes: 0.75 };
    const [flipped] = flipAnswers([answer], { yes: 1, no: 1 }, Key.of(1).stream());
    expect(flipped).toEqual({ questionId: 'a', reply: 'no', agrees: true, probabilityOfYes: 0.25 });
  });
});

describe('roughMetric', () => {
  const at = (value: number): Metric => roughMetric(() => value, { noise: 0, rounding: 0.25 });

  it('rounds to steps and clips', () => {
    expect([0.1, 0.13, 0.6, 0.9, 1.4, -1].map((value) => at(value)(request))).toEqual([
      0, 0.25, 0.5, 1, 1, 0,
    ]);
  });

  it('adds normal noise by the key', () => {
    const rough = roughMetric(() => 0.5, { noise: 0.03, rounding: 0 });
    const draws = Key.of(9)
      .split(2000)
      .map((key) => rough({ ...request, key }));
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / 2000;
    const deviation = Math.sqrt(draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / 2000);
    expect(mean).toBeCloseTo(0.5, 2);
    expect(deviation).toBeCloseTo(0.03, 2);
    expect(rough(request)).toBe(rough(request));
  });

  it('refuses negative settings', () => {
    expect(() => roughMetric(() => 0, { noise: -1, rounding: 0 })).toThrow('noise is -1');
    expect(() => roughMetric(() => 0, { noise: 0, rounding: Number.NaN })).toThrow(ConfigError);
  });
});
