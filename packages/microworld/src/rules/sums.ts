import { cellAt } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { NUMBER_WORDS, templateId } from '../template.ts';

const PHRASES = ['solve the sum in the row', 'write the answer of the sum'] as const;

/** Logical: digit plus digit in a row, the sum is wanted. Misconception: off by one, or the larger summand. */
export const sums: Rule = {
  name: 'sums',
  category: 'logical',
  hard: true,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    const row = board.freeRow(stream);
    if (row === undefined || board.has('digit')) return null;
    const left = 1 + stream.integer(4);
    const right = 1 + stream.integer(5);
    const digit = (value: number) => templateId(`${NUMBER_WORDS[value - 1]} digit`);
    const things = [digit(left), templateId('plus sign'), digit(right), templateId('blank slot')];
    things.forEach((thing, column) => {
      board.place(cellAt(row, column), thing);
    });
    const sum = left + right;
    const write = (value: number): readonly Operation[] => [
      { kind: 'put', at: cellAt(row, 3), thing: digit(value) },
    ];
    const slips = new Set([sum - 1, sum + 1, Math.max(left, right)].filter((value) => value <= 9));
    return {
      instruction: fillPhrase(stream.pick(PHRASES)),
      right: write(sum),
      wrong: [...slips].map(write),
    };
  },
};
