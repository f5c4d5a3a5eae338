import { cellAt } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { NUMBER_WORDS, templateId } from '../template.ts';

const PHRASES = ['put the digits in order', 'sort the row of digits'] as const;

/** Positions of two of three digits. */
const PAIRS = [
  [0, 1],
  [1, 2],
  [0, 2],
] as const;

/** Logical: three digits in a row, two of which must trade places. Misconception: another pair. */
export const sort: Rule = {
  name: 'sort',
  category: 'logical',
  hard: false,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    const row = board.freeRow(stream);
    if (row === undefined || board.has('digit')) return null;
    const start = stream.integer(2);
    const sorted = stream.sample([1, 2, 3, 4, 5, 6, 7, 8, 9], 3).sort((a, b) => a - b);
    const pair = stream.pick(PAIRS);
    const shown = exchange(sorted, pair).map((value) => templateId(`${NUMBER_WORDS[value - 1]} digit`));
    const cells = shown.map((_, position) => cellAt(row, start + position));
    shown.forEach((thing, position) => {
      board.place(cells[position]!, thing);
    });
    const trade = ([a, b]: readonly [number, number]): readonly Operation[] => [
      { kind: 'put', at: cells[a]!, thing: shown[b]! },
      { kind: 'put', at: cells[b]!, thing: shown[a]! },
    ];
    return {
      instruction: fillPhrase(stream.pick(PHRASES)),
      right: trade(pair),
      wrong: PAIRS.filter((other) => other !== pair).map(trade),
    };
  },
};

function exchange(values: readonly number[], [a, b]: readonly [number, number]): readonly number[] {
  return values.map((value, index) => (index === a ? values[b]! : index === b ? values[a]! : value));
}
