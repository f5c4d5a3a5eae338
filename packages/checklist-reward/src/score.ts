import type { Answer, Question } from '@thinkrl/spec';

/** The answer `reply` to `question`: agrees where it is the expected one, whichever polarity the question has. */
export function answerTo(question: Question, reply: 'yes' | 'no'): Answer {
  return { questionId: question.id, reply, agrees: reply === question.expected };
}

/**
 * Checklist score: agreeing answers / questions, in [0, 1] (method section 2). `answers` must not be empty.
 *
 * @example
 * checklistScore([answerTo({ id: 'a', text: 'Did anything else change?', expected: 'no' }, 'no')]); // 1
 */
export function checklistScore(answers: readonly Answer[]): number {
  if (answers.length === 0) throw new RangeError('a checklist score needs at least one answer');
  return answers.filter((answer) => answer.agrees).length / answers.length;
}

/** Whether every answer agrees: the all-or-nothing reading of a checklist. */
export function checklistStrict(answers: readonly Answer[]): boolean {
  return answers.length > 0 && answers.every((answer) => answer.agrees);
}

/**
 * Soft checklist score: mean probability given to the expected answer. Needs `probabilityOfYes` on every answer;
 * undefined where one lacks it (the hard score is then the only one).
 */
export function softChecklistScore(
  questions: readonly Question[],
  answers: readonly Answer[],
): number | undefined {
  const expected = new Map(questions.map((question) => [question.id, question.expected]));
  let sum = 0;
  for (const { questionId, probabilityOfYes } of answers) {
    if (probabilityOfYes === undefined) return undefined;
    sum += expected.get(questionId) === 'yes' ? probabilityOfYes : 1 - probabilityOfYes;
  }
  return answers.length === 0 ? undefined : sum / answers.length;
}
