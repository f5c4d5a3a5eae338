import { pickOne } from '../board.ts';
import { cellAt, columnOf, rowOf } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateName } from '../template.ts';

const SIDEWAYS = [
  'move the {thing} to its mirror place left to right',
  'mirror the place of the {thing} left to right',
] as const;
const UPSIDE_DOWN = [
  'move the {thing} to its mirror place upside down',
  'mirror the place of the {thing} upside down',
] as const;

/** Spatial: a thing goes to its reflected cell. Misconception: the reflection at the other axis. */
export const mirror: Rule = {
  name: 'mirror',
  category: 'spatial',
  hard: true,
  alone: false,
  phrases: [...SIDEWAYS, ...UPSIDE_DOWN],
  build(board, stream) {
    const from = pickOne(board.freeCells(), stream);
    const thing = board.newShape(stream);
    if (from === undefined || thing === undefined) return null;
    const sideways = cellAt(rowOf(from), 3 - columnOf(from));
    const upsideDown = cellAt(3 - rowOf(from), columnOf(from));
    const both = cellAt(3 - rowOf(from), 3 - columnOf(from));
    if (![sideways, upsideDown, both].every((cell) => board.isFree(cell))) return null;
    const isSideways = stream.integer(2) === 0;
    board.place(from, thing);
    const reflect = (to: number): readonly Operation[] => [{ kind: 'move', from, to }];
    return {
      instruction: fillPhrase(stream.pick(isSideways ? SIDEWAYS : UPSIDE_DOWN), {
        thing: templateName(thing),
      }),
      right: reflect(isSideways ? sideways : upsideDown),
      wrong: [reflect(isSideways ? upsideDown : sideways), reflect(both)],
    };
  },
};
