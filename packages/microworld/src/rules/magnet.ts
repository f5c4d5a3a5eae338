import { type Board, pickOne } from '../board.ts';
import { DIRECTIONS, lineFrom } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateId } from '../template.ts';

const PHRASES = ['the magnet is switched on', 'turn the magnet on'] as const;

/** Causal: a magnet draws the nail to the cell beside it. Misconception: the magnet goes to the nail. */
export const magnet: Rule = {
  name: 'magnet',
  category: 'causal',
  hard: true,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    if (board.has('magnet', 'nail')) return null;
    const at = pickOne(board.freeCells(), stream);
    const line = at === undefined ? undefined : pickOne(freeLines(board, at), stream);
    if (at === undefined || line === undefined) return null;
    const nail = line.at(-1)!;
    board.place(at, templateId('iron magnet'));
    board.place(nail, templateId('iron nail'));
    board.reserve(line);
    const draw = (to: number): readonly Operation[] => [{ kind: 'move', from: nail, to }];
    return {
      instruction: fillPhrase(stream.pick(PHRASES)),
      right: draw(line[0]!),
      wrong: [
        [{ kind: 'move', from: at, to: line.at(-2)! }],
        [{ kind: 'erase', at: nail }],
        ...line.slice(1, -1).map(draw),
      ],
    };
  },
};

/** Free lines of two or three cells that start beside `at`; the nail stands on the last cell. */
function freeLines(board: Board, at: number): readonly (readonly number[])[] {
  return DIRECTIONS.flatMap((direction) => {
    const line = lineFrom(at, direction);
    return [2, 3].filter((length) => length <= line.length).map((length) => line.slice(0, length));
  }).filter((line) => line.every((cell) => board.isFree(cell)));
}
