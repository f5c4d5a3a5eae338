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
  if (left.length === 0) throw new RangeError('agreement needs two equal, non-empty lists, got 0 answers');
  const tally = new AgreementTally();
  tally.add(left, right);
  return tally.agreement();
}

/** Adds agreement up over many pictures. */
export class AgreementTally {
  private questions = 0;
  private same = 0;
  private leftYes = 0;
  private rightYes = 0;

  /**
   * Counts the answers of two judges to the same questions, in the same order.
   *
   * @throws RangeError when the lists differ in length or questions.
   */
  add(left: readonly Answer[], right: readonly Answer[]): void {
    if (right.length !== left.length)
      throw new RangeError(`agreement needs two equal lists, got ${left.length} and ${right.length} answers`);
    left.forEach((answer, index) => {
      const other = right[index]!;
      if (other.questionId !== answer.questionId)
        throw new RangeError(
          `question ${index} is ${answer.questionId} on one side, ${other.questionId} on the other`,
        );
      this.same += Number(other.reply === answer.reply);
      this.leftYes += Number(answer.reply === 'yes');
      this.rightYes += Number(other.reply === 'yes');
    });
    this.questions += left.length;
  }

  /** The agreement so far; rate and kappa are NaN before the first answer. */
  agreement(): Agreement {
    const { questions, same, leftYes, rightYes } = this;
    const rate = same / questions;
    const chance = (leftYes * rightYes + (questions - leftYes) * (questions - rightYes)) / questions ** 2;
    return { questions, rate, kappa: (rate - chance) / (1 - chance) };
  }
}
