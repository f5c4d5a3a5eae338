import type { Image } from '@thinkrl/spec';
import { cellOffset, checkSize, GRID } from './grid.ts';
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

const ROW_NUMBERS = GRID.cellSize * 3;
const PICTURE_ROW_NUMBERS = GRID.size * 3;

/** [-1, 1] is twice as wide as [0, 1]: errors double, square errors quadruple. */
const SCALE = 2;

/**
 * Reads a picture cell by cell, exactly: the nearest of the 53 templates on the known background, or spoilt where the
 * mean square error is over {@link RECOGNITION_LIMIT}.
 *
 * @throws PictureSizeError for a picture that is not 32 x 32.
 */
export function readPicture(image: Image, background: number): Reading {
  checkSize(image);
  const cells: number[] = [];
  const errors: number[] = [];
  for (let cell = 0; cell < GRID.cells; cell++) {
    const nearest = nearestTemplate(image.data, cell, background);
    const error = (SCALE ** 2 * nearest.squares) / GRID.cellNumbers;
    cells.push(error <= RECOGNITION_LIMIT ? nearest.id : SPOILT);
    errors.push(Math.sqrt(error));
  }
  return { cells, errors };
}

function nearestTemplate(data: Float32Array, cell: number, background: number) {
  let squares = Number.POSITIVE_INFINITY;
  let id = 0;
  for (let candidate = 0; candidate < TEMPLATES.length; candidate++) {
    const distance = cellDistance(data, cell, templateOffset(background, candidate), squares);
    if (distance >= squares) continue;
    squares = distance;
    id = candidate;
    if (distance < SAFE_SQUARES[background * TEMPLATES.length + candidate]!) break;
  }
  return { id, squares };
}

/**
 * A quarter of the sum of square differences between each template and its nearest neighbour, `[4][53]`: whatever is
 * closer than this to a template is closer to no other (triangle inequality), so the search can stop.
 */
const SAFE_SQUARES: Float64Array = safeSquares();

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
  let sum = 0;
  for (let i = 0; i < GRID.cellNumbers; i++) {
    const a = TEMPLATE_PIXELS[left * GRID.cellNumbers + i]!;
    sum += (a - TEMPLATE_PIXELS[right * GRID.cellNumbers + i]!) ** 2;
  }
  return sum;
}

/** Sum of square differences between a cell and a template; stops once it is over `limit`. */
function cellDistance(data: Float32Array, cell: number, template: number, limit: number): number {
  let from = cellOffset(cell);
  let to = template;
  let sum = 0;
  for (let row = 0; row < GRID.cellSize && sum < limit; row++) {
    for (let i = 0; i < ROW_NUMBERS; i++) {
      const difference = data[from + i]! - TEMPLATE_PIXELS[to + i]!;
      sum += difference * difference;
    }
    from += PICTURE_ROW_NUMBERS;
    to += ROW_NUMBERS;
  }
  return sum;
}

/** Root mean square difference of two pictures in each cell, on the [-1, 1] scale: `[16]`. */
export function cellDifferences(left: Image, right: Image): readonly number[] {
  checkSize(left);
  checkSize(right);
  return Array.from({ length: GRID.cells }, (_, cell) => {
    let from = cellOffset(cell);
    let sum = 0;
    for (let row = 0; row < GRID.cellSize; row++) {
      for (let i = from; i < from + ROW_NUMBERS; i++) {
        const difference = left.data[i]! - right.data[i]!;
        sum += difference * difference;
      }
      from += PICTURE_ROW_NUMBERS;
    }
    return SCALE * Math.sqrt(sum / GRID.cellNumbers);
  });
}
