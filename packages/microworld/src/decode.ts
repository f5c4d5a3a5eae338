import type { Image } from '@thinkrl/spec';
import { CELL_PIXELS, checkSize, GRID, writeCells } from './grid.ts';
import { BACKGROUNDS } from './palette.ts';
import { type Cells, SPOILT } from './scene.ts';
import { TEMPLATE_PIXELS, TEMPLATES, templateOffset } from './template.ts';

/** Largest mean square error, on the [-1, 1] scale, at which a cell still counts as a template. */
export const RECOGNITION_LIMIT = 0.04;

/** What a picture shows. */
export interface Reading {
  /** Nearest template of each cell, {@link SPOILT} where none is near: `[16]`. */
  readonly cells: Cells;
  /** Root mean square error to the nearest template, on the [-1, 1] scale: `[16]`. */
  readonly errors: readonly number[];
}

/** [-1, 1] is twice as wide as [0, 1]: errors double, square errors quadruple. */
const SCALE = 2;

/**
 * Reads a picture cell by cell, exactly: the nearest of the 53 templates on the known background, or spoilt where the
 * mean square error is over {@link RECOGNITION_LIMIT}.
 *
 * @throws PictureSizeError for a picture that is not 32 x 32.
 */
export function readPicture(image: Image, background: number): Reading {
  const numbers = new Float32Array(GRID.cells * GRID.cellNumbers);
  writeCells(image, numbers);
  const cells: number[] = [];
  const errors: number[] = [];
  for (let cell = 0; cell < GRID.cells; cell++) {
    const start = cell * GRID.cellNumbers;
    const nearest = nearestTemplate(numbers.subarray(start, start + GRID.cellNumbers), background);
    const error = (SCALE ** 2 * nearest.squares) / GRID.cellNumbers;
    cells.push(error <= RECOGNITION_LIMIT ? nearest.id : SPOILT);
    errors.push(Math.sqrt(error));
  }
  return { cells, errors };
}

function nearestTemplate(cell: Float32Array, background: number) {
  let squares = Number.POSITIVE_INFINITY;
  let id = 0;
  for (let candidate = 0; candidate < TEMPLATES.length; candidate++) {
    const distance = squaresTo(cell, templateOffset(background, candidate), squares);
    if (distance >= squares) continue;
    squares = distance;
    id = candidate;
    if (distance < SAFE_SQUARES[background * TEMPLATES.length + candidate]!) break;
  }
  return { id, squares };
}

function safeSquares(): Float64Array {
  const safe = new Float64Array(BACKGROUNDS.length * TEMPLATES.length);
  for (let index = 0; index < safe.length; index++) {
    const background = Math.floor(index / TEMPLATES.length);
    let nearest = Number.POSITIVE_INFINITY;
    for (let other = 0; other < TEMPLATES.length; other++)
      if (other !== index % TEMPLATES.length)
        nearest = Math.min(nearest, templateSquares(index, background * TEMPLATES.length + other));
    safe[index] = nearest / 4;
  }
  return safe;
}

function templateSquares(left: number, right: number): number {
  const start = left * GRID.cellNumbers;
  const cell = TEMPLATE_PIXELS.subarray(start, start + GRID.cellNumbers);
  return squaresTo(cell, right * GRID.cellNumbers, Number.POSITIVE_INFINITY);
}

/** How many differences are summed before looking whether it is too many already. */
const STRIDE = 24;

/** Sum of square differences between a cell's numbers and a template; stops once it is over `limit`. */
function squaresTo(cell: Float32Array, template: number, limit: number): number {
  const templates = TEMPLATE_PIXELS;
  let sum = 0;
  for (let start = 0; start < cell.length && sum < limit; start += STRIDE)
    for (let i = start; i < start + STRIDE; i++) {
      const difference = cell[i]! - templates[template + i]!;
      sum += difference * difference;
    }
  return sum;
}

/**
 * A quarter of the sum of square differences between each template and its nearest neighbour, `[4][53]`: whatever is
 * closer than this to a template is closer to no other (triangle inequality), so the search can stop.
 */
const SAFE_SQUARES: Float64Array = safeSquares();

/** Root mean square difference of two pictures in each cell, on the [-1, 1] scale: `[16]`. */
export function cellDifferences(left: Image, right: Image): readonly number[] {
  checkSize(left);
  checkSize(right);
  return Array.from({ length: GRID.cells }, (_, cell) => cellDifference(left.data, right.data, cell));
}

function cellDifference(left: Float32Array, right: Float32Array, cell: number): number {
  const pixels = CELL_PIXELS;
  const numbers = GRID.cellNumbers;
  const first = cell * numbers;
  let sum = 0;
  for (let i = first; i < first + numbers; i++) {
    const pixel = pixels[i]!;
    const difference = left[pixel]! - right[pixel]!;
    sum += difference * difference;
  }
  return SCALE * Math.sqrt(sum / numbers);
}
