import type { Image } from '@thinkrl/spec';
import { PictureSizeError } from './error.ts';

/**
 * Geometry of every picture: 4 x 4 cells of 8 x 8 pixels. A cell is one image token of 192 numbers. Cells are numbered
 * row by row from the top left, 0 to 15.
 */
export const GRID = {
  columns: 4,
  rows: 4,
  cells: 16,
  /** Side of a cell, pixels. */
  cellSize: 8,
  /** Side of a picture, pixels. */
  size: 32,
  /** Numbers per cell: 8 x 8 pixels x RGB. */
  cellNumbers: 192,
} as const;

/** Words for the cells: column letter, row number, row 1 on top; `CELL_NAMES[5]` is `b2`. */
export const CELL_NAMES: readonly string[] = Array.from(
  { length: GRID.cells },
  (_, cell) => `${'abcd'[columnOf(cell)]}${rowOf(cell) + 1}`,
);

/** One of the four ways to go. */
export type Direction = 'left' | 'right' | 'up' | 'down';

/** The four directions. */
export const DIRECTIONS: readonly Direction[] = ['left', 'right', 'up', 'down'];

const STEPS: Readonly<Record<Direction, readonly [rows: number, columns: number]>> = {
  left: [0, -1],
  right: [0, 1],
  up: [-1, 0],
  down: [1, 0],
};

/** Row of a cell, 0 on top. */
export function rowOf(cell: number): number {
  return Math.floor(cell / GRID.columns);
}

/** Column of a cell, 0 on the left. */
export function columnOf(cell: number): number {
  return cell % GRID.columns;
}

/** The cell at a row and column. */
export function cellAt(row: number, column: number): number {
  return row * GRID.columns + column;
}

/** The cells from the neighbour of `cell` to the border, nearest first. */
export function lineFrom(cell: number, direction: Direction): readonly number[] {
  const [rows, columns] = STEPS[direction];
  const line: number[] = [];
  let row = rowOf(cell) + rows;
  let column = columnOf(cell) + columns;
  while (row >= 0 && row < GRID.rows && column >= 0 && column < GRID.columns) {
    line.push(cellAt(row, column));
    row += rows;
    column += columns;
  }
  return line;
}

/**
 * Where the numbers of each cell stand in a picture's data: `[16 cells][192 numbers]`, in a cell row by row of 8 pixels,
 * RGB.
 */
export const CELL_PIXELS: Int32Array = Int32Array.from(
  { length: GRID.cells * GRID.cellNumbers },
  (_, index) => {
    const cell = Math.floor(index / GRID.cellNumbers);
    const within = index % GRID.cellNumbers;
    const y = rowOf(cell) * GRID.cellSize + Math.floor(within / (GRID.cellSize * 3));
    const x = columnOf(cell) * GRID.cellSize * 3 + (within % (GRID.cellSize * 3));
    return y * GRID.size * 3 + x;
  },
);

/** Throws {@link PictureSizeError} unless the picture is 32 x 32. */
export function checkSize(image: Image): void {
  if (image.width !== GRID.size || image.height !== GRID.size) throw new PictureSizeError(image);
}

/** Writes a picture cell by cell, `[16 cells][192 numbers]` in [0, 1], into `out` from `offset` on. */
export function writeCells(image: Image, out: Float32Array, offset = 0): void {
  checkSize(image);
  const pixels = CELL_PIXELS;
  const { data } = image;
  for (let index = 0; index < pixels.length; index++) out[offset + index] = data[pixels[index]!]!;
}

/** The inverse of {@link writeCells}: a picture from 16 x 192 numbers of `cells` from `offset` on. */
export function imageOfCells(cells: ArrayLike<number>, offset = 0): Image {
  const data = new Float32Array(CELL_PIXELS.length);
  CELL_PIXELS.forEach((pixel, index) => {
    data[pixel] = cells[offset + index]!;
  });
  return { width: GRID.size, height: GRID.size, data };
}
