import * as tf from '@tensorflow/tfjs-core';
import type { RotaryTables } from '@thinkrl/nn';
import type { LanguageConfig } from './config.ts';
import { QwenVlInputError } from './error.ts';
import type { PatchGrid } from './patches.ts';
import { frequencies, turns } from './rotary.ts';

/** Positions of tokens on three axes: time, row and column of a picture; the same on all three for words. */
export interface Positions {
  readonly time: Int32Array;
  readonly row: Int32Array;
  readonly column: Int32Array;
  /** The position of the word after the last token. */
  readonly next: number;
}

/** What {@link positionsOf} needs to know besides the tokens. */
export interface PositionOptions {
  readonly grids: readonly PatchGrid[];
  readonly imageToken: number;
  /** Patches along the side of a merged cell. */
  readonly merge: number;
  /** Position of the first token; 0 unless given. */
  readonly from?: number;
}

/**
 * Multimodal rotary positions of one text. Words count up; the tokens of a picture that starts at p stand at (p, p + row,
 * p + column), and the next word comes after the largest of them.
 *
 * @throws QwenVlInputError when pictures and picture tokens do not match.
 */
export function positionsOf(ids: ArrayLike<number>, options: PositionOptions): Positions {
  const { grids, imageToken, merge, from = 0 } = options;
  const [time, row, column] = [0, 1, 2].map(() => new Int32Array(ids.length)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let next = from;
  let picture = 0;
  for (let i = 0; i < ids.length; ) {
    if (ids[i] !== imageToken) {
      time[i] = row[i] = column[i] = next;
      next += 1;
      i += 1;
      continue;
    }
    const [rows, columns] = cellsAlong(grids[picture++], merge);
    for (let cell = 0; cell < rows * columns; cell++, i++) {
      if (ids[i] !== imageToken)
        throw new QwenVlInputError(`picture ${picture} has ${cell} tokens, not ${rows * columns}`);
      time[i] = next;
      row[i] = next + Math.floor(cell / columns);
      column[i] = next + (cell % columns);
    }
    next += Math.max(rows, columns);
  }
  if (picture < grids.length)
    throw new QwenVlInputError(`there are ${grids.length} pictures, the text has place for ${picture}`);
  return { time, row, column, next };
}

function cellsAlong(grid: PatchGrid | undefined, merge: number): readonly [number, number] {
  if (grid === undefined) throw new QwenVlInputError('the text has place for more pictures than there are');
  return [grid.rows / merge, grid.columns / merge];
}

/** Rows of positions side by side. */
export interface PositionRows {
  /** `[3, rows, tokens]`. */
  readonly axes: Int32Array;
  readonly rows: number;
  readonly tokens: number;
}

/** Positions and where they lie in a {@link PositionRows}. */
export interface PlacedPositions {
  readonly positions: Positions;
  readonly row: number;
  /** Column of the first one. */
  readonly start: number;
}

/** Lays positions out in rows; places without a token get 1. */
export function positionRows(
  placed: readonly PlacedPositions[],
  { rows, tokens }: Pick<PositionRows, 'rows' | 'tokens'>,
): PositionRows {
  const axes = new Int32Array(3 * rows * tokens).fill(1);
  for (const { positions, row, start } of placed)
    [positions.time, positions.row, positions.column].forEach((axis, i) => {
      axes.set(axis, (i * rows + row) * tokens + start);
    });
  return { axes, rows, tokens };
}

/** Rotary tables `[rows, tokens, head size / 2]`: each angle follows the axis of its section. */
export function rotaryTables({ axes, rows, tokens }: PositionRows, config: LanguageConfig): RotaryTables {
  const { headSize, theta, sections } = config;
  const bands = frequencies(headSize, theta);
  const axisOf = sections.flatMap((count, axis) => new Array<number>(count).fill(axis));
  const places = rows * tokens;
  const angles = new Float32Array(places * bands.length);
  for (let place = 0; place < places; place++)
    for (let i = 0; i < bands.length; i++)
      angles[place * bands.length + i] = axes[axisOf[i]! * places + place]! * bands[i]!;
  const { cosine, sine } = turns(angles);
  const shape: [number, number, number] = [rows, tokens, bands.length];
  return { cosine: tf.tensor3d(cosine, shape), sine: tf.tensor3d(sine, shape) };
}
