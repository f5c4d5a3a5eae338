import type { Operation } from '../operation.ts';
import { COLOURS } from '../palette.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { SHAPES, templateId } from '../template.ts';

const PHRASES = ['take away the shape that does not belong', 'erase the odd shape out'] as const;

/** Logical: three things of one shape and one of another. Misconception: the first of the three is taken away. */
export const odd: Rule = {
  name: 'odd',
  category: 'logical',
  hard: false,
  alone: true,
  phrases: PHRASES,
  build(board, stream) {
    const free = board.freeCells();
    if (free.length < 4 || board.has(...SHAPES)) return null;
    const cells = stream.sample(free, 4);
    const [common, other] = stream.sample(SHAPES, 2);
    const colours = stream.sample(Object.keys(COLOURS), 4);
    cells.forEach((cell, index) => {
      board.place(cell, templateId(`${colours[index]} ${index < 3 ? common : other}`));
    });
    const take = (at: number): readonly Operation[] => [{ kind: 'erase', at }];
    return {
      instruction: fillPhrase(stream.pick(PHRASES)),
      right: take(cells[3]!),
      wrong: cells
        .slice(0, 3)
        .toSorted((a, b) => a - b)
        .map(take),
    };
  },
};
