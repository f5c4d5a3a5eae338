import type { Image } from '@thinkrl/spec';
import { cellOffset, GRID } from './grid.ts';
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
  const data = new Float32Array(GRID.size * GRID.size * 3);
  for (let cell = 0; cell < GRID.cells; cell++) {
    const id = Math.max(EMPTY, scene.cells[cell]!);
    paintCell(data, cell, templateOffset(scene.background, id));
  }
  return { width: GRID.size, height: GRID.size, data };
}

function paintCell(data: Float32Array, cell: number, source: number): void {
  const rowNumbers = GRID.cellSize * 3;
  for (let row = 0; row < GRID.cellSize; row++) {
    const from = source + row * rowNumbers;
    const to = cellOffset(cell) + row * GRID.size * 3;
    for (let i = 0; i < rowNumbers; i++) data[to + i] = TEMPLATE_PIXELS[from + i]!;
  }
}

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
