import { answerTo, checklistScore, flipAnswers } from '@thinkrl/checklist-reward';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';

it('runs the example of the README', () => {
  const questions = [
    { id: 'low', text: 'Is it a low candle at c2?', expected: 'yes' },
    { id: 'others', text: 'Did anything else change?', expected: 'no' },
  ] as const;
  const answers = questions.map((question) => answerTo(question, 'yes'));
  const score = checklistScore(answers); // 0.5: saying yes to everything does not pay
  const flipped = flipAnswers(answers, { yes: 1, no: 1 }, Key.of(0).stream());
  expect(score).toBe(0.5);
  expect(flipped.map((answer) => answer.agrees)).toEqual([false, true]);
});
