import type { Question } from '@thinkrl/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerTo,
  checklistScore,
  checklistStrict,
  judgeAgreement,
  softChecklistScore,
} from '../src/index.ts';

const expectYes: Question = { id: 'a', text: 'Is it red?', expected: 'yes' };
const expectNo: Question = { id: 'b', text: 'Did anything else change?', expected: 'no' };

const checklists = fc
  .array(fc.constantFrom('yes' as const, 'no' as const), { minLength: 1, maxLength: 8 })
  .map((expected) =>
    expected.map((side, index): Question => ({ id: `${index}`, text: '?', expected: side })),
  );
const replies = fc.constantFrom('yes' as const, 'no' as const);

describe('checklistScore', () => {
  it('counts agreement in either polarity', () => {
    // yes to a (agrees), yes to b (expected no): 1 of 2.
    expect(checklistScore([answerTo(expectYes, 'yes'), answerTo(expectNo, 'yes')])).toBe(0.5);
    // yes to a, no to b: both agree.
    expect(checklistScore([answerTo(expectYes, 'yes'), answerTo(expectNo, 'no')])).toBe(1);
  });

  it('refuses an empty list', () => {
    expect(() => checklistScore([])).toThrow(RangeError);
    expect(checklistStrict([])).toBe(false);
  });

  it('gives a judge that says yes to everything the share of questions that expect yes', () => {
    fc.assert(
      fc.property(checklists, (questions) => {
        const expected =
          questions.filter((question) => question.expected === 'yes').length / questions.length;
        expect(checklistScore(questions.map((question) => answerTo(question, 'yes')))).toBe(expected);
      }),
    );
  });

  it('is in [0, 1], 1 exactly when strict, and turns to 1 - score when every reply is turned', () => {
    fc.assert(
      fc.property(checklists, fc.array(replies, { minLength: 8, maxLength: 8 }), (questions, said) => {
        const answers = questions.map((question, index) => answerTo(question, said[index]!));
        const opposite = questions.map((question, index) =>
          answerTo(question, said[index] === 'yes' ? 'no' : 'yes'),
        );
        const score = checklistScore(answers);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(score === 1).toBe(checklistStrict(answers));
        expect(score + checklistScore(opposite)).toBeCloseTo(1, 12);
      }),
    );
  });
});

describe('softChecklistScore', () => {
  const questions = [expectYes, expectNo];

  it('is the mean probability of the expected answer', () => {
    // (0.9 + (1 - 0.2)) / 2 = 0.85
    const answers = [
      { ...answerTo(expectYes, 'yes'), probabilityOfYes: 0.9 },
      { ...answerTo(expectNo, 'no'), probabilityOfYes: 0.2 },
    ];
    expect(softChecklistScore(questions, answers)).toBeCloseTo(0.85, 12);
  });

  it('is undefined when a probability is missing', () => {
    expect(softChecklistScore(questions, [answerTo(expectYes, 'yes')])).toBeUndefined();
    expect(softChecklistScore(questions, [])).toBeUndefined();
  });
});

describe('judgeAgreement', () => {
  const list = (said: string) =>
    Array.from(said, (letter, index) =>
      answerTo({ id: `${index}`, text: '?', expected: 'yes' }, letter === 'y' ? 'yes' : 'no'),
    );

  it('gives rate and kappa', () => {
    // Same on 3 of 4. Yes: 3 and 2 of 4. Chance = (3*2 + 1*2)/16 = 0.5; kappa = (0.75 - 0.5)/0.5 = 0.5.
    expect(judgeAgreement(list('yyyn'), list('yynn'))).toEqual({ questions: 4, rate: 0.75, kappa: 0.5 });
    expect(judgeAgreement(list('yn'), list('yn')).kappa).toBe(1);
  });

  it('refuses lists that do not match', () => {
    expect(() => judgeAgreement(list('y'), list('yn'))).toThrow(RangeError);
    expect(() => judgeAgreement([], [])).toThrow(RangeError);
    const other = [answerTo({ id: 'x', text: '?', expected: 'yes' }, 'yes')];
    expect(() => judgeAgreement(list('y'), other)).toThrow('question 0');
  });
});
