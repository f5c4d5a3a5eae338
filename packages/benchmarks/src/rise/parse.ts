import { PYTHON_SPACE, pythonInt } from '../python.ts';

const announced = (words: string) =>
  new RegExp(`\\*?\\*?${words}\\*?\\*?:?[${PYTHON_SPACE}]*([\\p{Nd}*${PYTHON_SPACE},]*)`, 'giu');

/**
 * Every whole number behind the first "Final Score" of a reply that has one, as upstream reads it; then the same for
 * "Final Scores". Empty where there is none: a failure. No range is checked.
 *
 * @example
 * riseNumbers('**Final Score:** **4**'); // [4]
 * riseNumbers('Final Score: 4.5'); // [4]
 * riseNumbers('Final Score: 4, 5'); // [4, 5]
 */
export function riseNumbers(reply: string): readonly number[] {
  for (const words of ['Final Score', 'Final Scores'])
    for (const [, group] of reply.matchAll(announced(words))) {
      const numbers = group!.match(/\p{Nd}+/gu) ?? [];
      if (numbers.length > 0) return numbers.map((digits) => pythonInt(digits)!);
    }
  return [];
}

/** The scores that a step may give. */
export interface ScoreRange {
  readonly least: number;
  readonly most: number;
}

/**
 * The score of a reply that announces exactly one, a whole number in the range that nothing follows on its line; null
 * otherwise.
 *
 * @example
 * strictRiseScore('**Final Score:** **4**', { least: 1, most: 5 }); // 4
 * strictRiseScore('Final Score: 4.5', { least: 1, most: 5 }); // null
 */
export function strictRiseScore(reply: string, { least, most }: ScoreRange): number | null {
  const found = [...reply.matchAll(/\*{0,2}final score\*{0,2}:?\*{0,2}\s*(.*)$/gim)];
  const [, digits] = /^\**(\d+)\**\.?\**\s*$/.exec(found[0]?.[1] ?? '') ?? [];
  const score = Number(digits);
  return found.length === 1 && digits !== undefined && score >= least && score <= most ? score : null;
}
