import type { Image } from '@thinkrl/spec';
import { CELL_PIXELS, GRID } from './grid.ts';
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

function paintCell(data: Float32Array, cell: number, source: number): void {
  const pixels = CELL_PIXELS;
  const templates = TEMPLATE_PIXELS;
  const numbers = GRID.cellNumbers;
  const first = cell * numbers;
  for (let i = 0; i < numbers; i++) data[pixels[first + i]!] = templates[source + i]!;
}

/** A picture without things on each background. */
const EMPTY_PICTURES: readonly Float32Array[] = BACKGROUNDS.map((_, background) => {
  const data = new Float32Array(CELL_PIXELS.length);
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
