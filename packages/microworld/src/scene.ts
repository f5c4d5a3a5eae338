import type { Image } from '@thinkrl/spec';
import { cellOffset, GRID } from './grid.ts';
import { BACKGROUNDS } from './palette.ts';
import { EMPTY, TEMPLATE_PIXELS, templateOffset } from './template.ts';

/** What is in each of the 16 cells: template ids, row by row. */
export type Cells = readonly number[];

/** A state of the micro-world: 16 template ids and one of the 4 backgrounds. */
export interface Scene {
  readonly cells: Cells;
  readonly background: number;
}

/** The id of a cell in which no template can be recognised; painted as empty. */
export const SPOILT = -1;

/**
 * Draws a scene: 32 x 32 pixels, exact, no randomness.
 *
 * @example
 * const image = renderScene({ cells: new Array(16).fill(0), background: 2 });
 */
export function renderScene(scene: Scene): Image {
  const data = EMPTY_PICTURES[scene.background]!.slice();
  for (let cell = 0; cell < GRID.cells; cell++) {
    const id = scene.cells[cell]!;
    if (id !== EMPTY && id !== SPOILT) paintCell(data, cell, templateOffset(scene.background, id));
  }
  return { width: GRID.size, height: GRID.size, data };
}

const ROW_NUMBERS = GRID.cellSize * 3;
const PICTURE_ROW_NUMBERS = GRID.size * 3;

function paintCell(data: Float32Array, cell: number, source: number): void {
  let from = source;
  let to = cellOffset(cell);
  for (let row = 0; row < GRID.cellSize; row++) {
    for (let i = 0; i < ROW_NUMBERS; i++) data[to + i] = TEMPLATE_PIXELS[from + i]!;
    from += ROW_NUMBERS;
    to += PICTURE_ROW_NUMBERS;
  }
}

/** A picture without things on each background. */
const EMPTY_PICTURES: readonly Float32Array[] = BACKGROUNDS.map((_, background) => {
  const data = new Float32Array(GRID.size * GRID.size * 3);
  for (let cell = 0; cell < GRID.cells; cell++) paintCell(data, cell, templateOffset(background, EMPTY));
  return data;
});

/** Whether two scenes hold the same things in the same cells. */
export function sameCells(left: Cells, right: Cells): boolean {
  for (let cell = 0; cell < GRID.cells; cell++) if (left[cell] !== right[cell]) return false;
  return true;
}

/** The cells in which two scenes differ, ascending. */
export function changedCells(left: Cells, right: Cells): readonly number[] {
  const changed: number[] = [];
  for (let cell = 0; cell < GRID.cells; cell++) if (left[cell] !== right[cell]) changed.push(cell);
  return changed;
}
