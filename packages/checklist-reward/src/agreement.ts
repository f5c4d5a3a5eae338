import type { Answer } from '@thinkrl/spec';

/** How far two judges, or two readings by one judge, agree on the same questions. */
export interface Agreement {
  readonly questions: number;
  /** Share of questions with the same reply. */
  readonly rate: number;
  /** Cohen's kappa: agreement beyond chance; 0 at chance, 1 when equal, NaN where both always give one reply. */
  readonly kappa: number;
}

/**
 * Agreement of two lists of answers to the same questions, in the same order.
 *
 * @throws RangeError when the lists differ in length or questions, or are empty.
 */
export function judgeAgreement(left: readonly Answer[], right: readonly Answer[]): Agreement {
  const questions = left.length;
  if (questions === 0 || right.length !== questions)
    throw new RangeError(`agreement needs two equal, non-empty lists, got ${questions} and ${right.length}`);
  let same = 0;
  let leftYes = 0;
  let rightYes = 0;
  left.forEach((answer, index) => {
    const other = right[index]!;
    if (other.questionId !== answer.questionId)
      throw new RangeError(
        `question ${index} is ${answer.questionId} on one side, ${other.questionId} on the other`,
      );
    same += Number(other.reply === answer.reply);
    leftYes += Number(answer.reply === 'yes');
    rightYes += Number(other.reply === 'yes');
  });
  const rate = same / questions;
  const chance = (leftYes * rightYes + (questions - leftYes) * (questions - rightYes)) / questions ** 2;
  return { questions, rate, kappa: (rate - chance) / (1 - chance) };
}
