import { pickOne } from '../board.ts';
import { cellAt } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateId, templateName } from '../template.ts';

const PHRASES = ['take away the brick under the {thing}', 'the brick below the {thing} breaks'] as const;

const FLOOR = 3;

/** Causal: without its brick a thing falls to the floor or onto the next thing. Misconception: it floats. */
export const support: Rule = {
  name: 'support',
  category: 'causal',
  hard: false,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    const columns = [0, 1, 2, 3].filter((column) =>
      [0, 1, 2, 3].every((row) => board.isFree(cellAt(row, column))),
    );
    const column = pickOne(columns, stream);
    const thing = board.newShape(stream);
    if (column === undefined || thing === undefined) return null;
    const row = 1 + stream.integer(2);
    const at = cellAt(row, column);
    const brick = cellAt(row + 1, column);
    board.place(at, thing);
    board.place(brick, templateId('brown brick'));
    const other = row === 1 && stream.uniform() < 0.5 ? board.newShape(stream) : undefined;
    if (other !== undefined) board.place(cellAt(FLOOR, column), other);
    board.reserve([0, 1, 2, 3].map((r) => cellAt(r, column)));
    const landing = other === undefined ? FLOOR : FLOOR - 1;
    const clear: Operation = { kind: 'erase', at: brick };
    const fall = (to: number): readonly Operation[] => [
      clear,
      { kind: 'move', from: at, to: cellAt(to, column) },
    ];
    return {
      instruction: fillPhrase(stream.pick(PHRASES), { thing: templateName(thing) }),
      right: fall(landing),
      wrong: [[clear], [{ kind: 'erase', at }], ...[row + 1, FLOOR].filter((to) => to !== landing).map(fall)],
    };
  },
};
