import { cellAt } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { findTemplate, TEMPLATES, templateId } from '../template.ts';

const PHRASES = ['finish the pattern in the row', 'fill the gap in the pattern'] as const;

/** Logical: two things by turns in a row, with a gap. Misconception: the other of the two. */
export const pattern: Rule = {
  name: 'pattern',
  category: 'logical',
  hard: true,
  alone: true,
  phrases: PHRASES,
  build(board, stream) {
    const row = board.freeRow(stream);
    const first = board.newShape(stream);
    if (row === undefined || first === undefined) return null;
    board.place(cellAt(row, 0), first);
    const second = board.newShape(stream);
    if (second === undefined) return null;
    const gap = stream.integer(4);
    for (let column = 0; column < 4; column++)
      board.place(cellAt(row, column), column % 2 === 0 ? first : second);
    board.place(cellAt(row, gap), templateId('blank slot'));
    const [missing, other] = gap % 2 === 0 ? [first, second] : [second, first];
    const mixed = findTemplate(TEMPLATES[missing]!.attribute, TEMPLATES[other]!.noun)!;
    const fill = (thing: number): readonly Operation[] => [{ kind: 'put', at: cellAt(row, gap), thing }];
    return {
      instruction: fillPhrase(stream.pick(PHRASES)),
      right: fill(missing),
      wrong: [other, mixed].map(fill),
    };
  },
};
