import type { RandomStream } from '@thinkrl/spec';
import { type Board, pickOne } from '../board.ts';
import { DIRECTIONS, type Direction, lineFrom } from '../grid.ts';
import type { Operation } from '../operation.ts';
import { fillPhrase, type Rule, type RulePart } from '../rule.ts';
import { templateId, templateName } from '../template.ts';

const PHRASES = ['the {thing} is pushed {direction}', 'push the {thing} {direction}'] as const;

/** Share of balls with a brick in the way. */
const BRICK_SHARE = 0.6;

/**
 * Causal: a pushed ball rolls until a brick or the border. Misconception: it passes through the brick, or it stops
 * early where there is none.
 */
export const push: Rule = {
  name: 'push',
  category: 'causal',
  hard: true,
  alone: false,
  phrases: PHRASES,
  build(board, stream) {
    const from = pickOne(board.freeCells(), stream);
    const ball = board.newShape(stream, ['ball']);
    if (from === undefined || ball === undefined) return null;
    const direction = stream.pick(DIRECTIONS);
    const line = lineFrom(from, direction);
    if (line.length === 0 || !line.every((cell) => board.isFree(cell))) return null;
    board.place(from, ball);
    const path = line.slice(0, placeBrick(board, line, stream));
    board.reserve(line);
    return pushPart({ board, from, line, path, direction, ball, phrase: stream.pick(PHRASES) });
  },
};

/** Puts a brick two or three cells away in 60 % of the cases; gives the length of the free path. */
function placeBrick(board: Board, line: readonly number[], stream: RandomStream): number {
  const wanted = stream.uniform() < BRICK_SHARE;
  const distance = 2 + stream.integer(2);
  if (!wanted || distance > line.length) return line.length;
  board.place(line[distance - 1]!, templateId('brown brick'));
  return distance - 1;
}

interface PushScene {
  readonly board: Board;
  readonly from: number;
  readonly line: readonly number[];
  readonly path: readonly number[];
  readonly direction: Direction;
  readonly ball: number;
  readonly phrase: string;
}

function pushPart(scene: PushScene): RulePart {
  const { board, from, line, path, direction } = scene;
  const roll = (to: number): readonly Operation[] => [{ kind: 'move', from, to }];
  const through = path.length < line.length ? [line.at(-1)!] : [];
  const early = path.slice(0, -1);
  const aside = DIRECTIONS.filter((other) => other !== direction)
    .flatMap((other) => lineFrom(from, other).slice(0, 1))
    .filter((cell) => board.isFree(cell));
  return {
    instruction: fillPhrase(scene.phrase, { thing: templateName(scene.ball), direction }),
    right: roll(path.at(-1)!),
    wrong: [...through, ...early, ...aside].map(roll),
  };
}
