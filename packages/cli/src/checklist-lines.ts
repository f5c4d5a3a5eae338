/** A question with the judge's reply to each picture; null where there was none. */
interface AnsweredQuestion {
  readonly question: string;
  readonly expected: string;
  readonly replies: readonly (string | null)[];
}

/**
 * Answered questions as lines, marked by the reply to the last picture.
 *
 * @example
 * checklistLines([{ question: 'Is there snow?', expected: 'yes', replies: ['no', 'yes'] }]);
 * // ['  ok   Is there snow?  expected yes, judged no, then yes']
 */
export function checklistLines(questions: readonly AnsweredQuestion[]): readonly string[] {
  return questions.map(({ question, expected, replies }) => {
    const mark = replies.at(-1) === expected ? 'ok  ' : 'MISS';
    const given = replies.map((reply) => reply ?? 'no answer').join(', then ');
    return `  ${mark} ${question}  expected ${expected}, judged ${given}`;
  });
}
