import { pickOne } from '../board.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateId } from '../template.ts';

/** Directions in clockwise order. */
const CLOCKWISE = ['up', 'right', 'down', 'left'] as const;

/** Phrases by the number of clockwise quarters. */
const TURNS = [
  { quarters: 1, phrases: ['turn the arrow a quarter clockwise', 'turn the arrow once clockwise'] },
  { quarters: 2, phrases: ['turn the arrow half way around', 'the arrow turns around'] },
  { quarters: 3, phrases: ['turn the arrow a quarter back', 'turn the arrow once counterclockwise'] },
] as const;

/** Spatial: an arrow is turned. Misconception: the wrong turn, for a quarter the one the other way round. */
export const arrow: Rule = {
  name: 'arrow',
  category: 'spatial',
  hard: false,
  alone: false,
  phrases: TURNS.flatMap(({ phrases }) => phrases),
  build(board, stream) {
    if (board.has('arrow')) return null;
    const at = pickOne(board.freeCells(), stream);
    if (at === undefined) return null;
    const start = stream.integer(CLOCKWISE.length);
    const { quarters, phrases } = stream.pick(TURNS);
    const facing = (turns: number) => templateId(`${CLOCKWISE[(start + turns) % CLOCKWISE.length]} arrow`);
    board.place(at, facing(0));
    const turn = (turns: number): readonly Operation[] => [{ kind: 'change', at, thing: facing(turns) }];
    const others = [3, 1, 2].filter((turns) => turns !== quarters);
    return { instruction: fillPhrase(stream.pick(phrases)), right: turn(quarters), wrong: others.map(turn) };
  },
};
