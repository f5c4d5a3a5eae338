import { pickOne } from '../board.ts';
import { columnOf, GRID } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateId } from '../template.ts';

const PHRASES = ['knock the glass over to the {side}', 'the glass tips over to the {side}'] as const;

/** Causal: a full glass knocked over leaves a puddle on that side. Misconception: the puddle is on the other side. */
export const glass: Rule = {
  name: 'glass',
  category: 'causal',
  hard: false,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    if (board.has('glass', 'puddle', 'ice')) return null;
    const inside = (cell: number) => columnOf(cell) > 0 && columnOf(cell) < GRID.columns - 1;
    const cells = board.freeCells((cell) => inside(cell) && board.isFree(cell - 1) && board.isFree(cell + 1));
    const at = pickOne(cells, stream);
    if (at === undefined) return null;
    const side = stream.integer(2) === 0 ? -1 : 1;
    board.place(at, templateId('full glass'));
    board.reserve([at - 1, at + 1]);
    const tip: Operation = { kind: 'change', at, thing: templateId('fallen glass') };
    const spill = (cell: number): Operation => ({ kind: 'put', at: cell, thing: templateId('water puddle') });
    return {
      instruction: fillPhrase(stream.pick(PHRASES), { side: side < 0 ? 'left' : 'right' }),
      right: [tip, spill(at + side)],
      wrong: [[tip, spill(at - side)], [tip], [{ kind: 'move', from: at, to: at + side }]],
    };
  },
};
