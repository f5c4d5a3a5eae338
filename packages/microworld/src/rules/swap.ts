import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule } from '../rule.ts';
import { templateName } from '../template.ts';

const PHRASES = ['the {first} and the {second} trade places', 'swap the {first} with the {second}'] as const;

/** Spatial: two things trade places. Misconception: only one moves. */
export const swap: Rule = {
  name: 'swap',
  category: 'spatial',
  hard: false,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    const free = board.freeCells();
    if (free.length < 2) return null;
    const [left, right] = stream.sample(free, 2) as [number, number];
    const first = board.newShape(stream);
    if (first === undefined) return null;
    board.place(left, first);
    const second = board.newShape(stream);
    if (second === undefined) return null;
    board.place(right, second);
    const there: Operation = { kind: 'put', at: right, thing: first };
    const back: Operation = { kind: 'put', at: left, thing: second };
    return {
      instruction: fillPhrase(stream.pick(PHRASES), {
        first: templateName(first),
        second: templateName(second),
      }),
      right: [there, back],
      wrong: [[there], [back], [there, { kind: 'erase', at: left }]],
    };
  },
};
