import { type Board, pickOne } from '../board.ts';
import { DIRECTIONS, type Direction, lineFrom } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateName } from '../template.ts';

const PHRASES: Readonly<Record<Direction, readonly string[]>> = {
  left: ['place the {thing} just left of the {anchor}', 'move the {thing} just left of the {anchor}'],
  right: ['place the {thing} just right of the {anchor}', 'move the {thing} just right of the {anchor}'],
  up: ['place the {thing} just above the {anchor}', 'move the {thing} just above the {anchor}'],
  down: ['place the {thing} just below the {anchor}', 'move the {thing} just below the {anchor}'],
};

const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  left: 'right',
  right: 'left',
  up: 'down',
  down: 'up',
};

/** Spatial: a thing goes to the cell beside another. Misconception: the wrong side, the opposite one first. */
export const relation: Rule = {
  name: 'relation',
  category: 'spatial',
  hard: true,
  alone: false,
  phrases: Object.values(PHRASES).flat(),
  build(board, stream) {
    const anchor = board.newShape(stream);
    const at = pickOne(board.freeCells(), stream);
    if (anchor === undefined || at === undefined) return null;
    board.place(at, anchor);
    const sides = freeSides(board, at);
    const side = stream.pick(DIRECTIONS);
    const target = sides.get(side);
    const from = pickOne(
      board.freeCells((cell) => ![...sides.values()].includes(cell)),
      stream,
    );
    const thing = board.newShape(stream);
    if (target === undefined || sides.size < 2 || from === undefined || thing === undefined) return null;
    board.place(from, thing);
    const go = (to: number): readonly Operation[] => [{ kind: 'move', from, to }];
    const wrong = [
      OPPOSITE[side],
      ...DIRECTIONS.filter((other) => other !== side && other !== OPPOSITE[side]),
    ];
    return {
      instruction: fillPhrase(stream.pick(PHRASES[side]), {
        thing: templateName(thing),
        anchor: templateName(anchor),
      }),
      right: go(target),
      wrong: wrong.flatMap((other) => sides.get(other) ?? []).map(go),
    };
  },
};

function freeSides(board: Board, at: number): ReadonlyMap<Direction, number> {
  const sides = new Map<Direction, number>();
  for (const direction of DIRECTIONS) {
    const cell = lineFrom(at, direction)[0];
    if (cell !== undefined && board.isFree(cell)) sides.set(direction, cell);
  }
  return sides;
}
