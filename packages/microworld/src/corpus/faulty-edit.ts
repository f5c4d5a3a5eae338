import type { Image, RandomStream } from '@thinkrl/spec';
import { readPicture } from '../decode.ts';
import { CELL_PIXELS, GRID } from '../grid.ts';
import { type Cells, changedCells, renderScene, type Scene } from '../scene.ts';
import { EMPTY, TEMPLATE_PIXELS, TEMPLATES, templateOffset, templatesOf } from '../template.ts';
import { tableNormal } from './noise.ts';

/** A picture that may not show what was intended, and what the exact reader sees in it. */
export interface FaultyEdit {
  readonly image: Image;
  readonly cells: Cells;
}

/** What to spoil: `count` cells, mostly among those that the plan changes. */
export interface FaultRequest {
  readonly reference: Scene;
  /** What the picture should show. */
  readonly intended: Cells;
  readonly count: number;
}

/** Share of faults in cells that the plan changes. */
const FAULT_IN_CHANGED = 0.7;

/**
 * Draws a picture with faults: a cell left as it was, a random thing, the right noun with another attribute, or a
 * blurred mix of two things under noise.
 */
export function faultyEdit(request: FaultRequest, stream: RandomStream): FaultyEdit {
  const { reference, intended, count } = request;
  const changed = changedCells(reference.cells, intended);
  const cells = intended.slice();
  const blurred: number[] = [];
  for (let i = 0; i < count; i++) {
    const inChanged = changed.length > 0 && stream.uniform() < FAULT_IN_CHANGED;
    const cell = inChanged ? stream.pick(changed) : stream.integer(GRID.cells);
    const kind = stream.uniform();
    if (kind < 0.4 && inChanged) cells[cell] = reference.cells[cell]!;
    else if (kind < 0.6) cells[cell] = stream.integer(TEMPLATES.length);
    else if (kind < 0.8) cells[cell] = stream.pick(templatesOf(TEMPLATES[intended[cell]!]!.noun));
    else blurred.push(cell);
  }
  const { background } = reference;
  const image = renderScene({ cells, background });
  for (const cell of blurred) blur(image, { cell, background }, stream);
  return blurred.length === 0 ? { image, cells } : { image, cells: readPicture(image, background).cells };
}

interface BlurPlace {
  readonly cell: number;
  readonly background: number;
}

/** Mixes a cell with another thing, 30 to 70 %, and adds noise of deviation 0.025 to 0.2. */
function blur(image: Image, place: BlurPlace, stream: RandomStream): void {
  const { cell, background } = place;
  const other = templateOffset(background, EMPTY + 1 + stream.integer(TEMPLATES.length - 1));
  const share = 0.3 + 0.4 * stream.uniform();
  const deviation = 0.025 + 0.175 * stream.uniform();
  const first = cell * GRID.cellNumbers;
  for (let i = 0; i < GRID.cellNumbers; i++) {
    const pixel = CELL_PIXELS[first + i]!;
    const mix = image.data[pixel]! * share + TEMPLATE_PIXELS[other + i]! * (1 - share);
    image.data[pixel] = Math.min(1, Math.max(0, mix + deviation * tableNormal(stream)));
  }
}
