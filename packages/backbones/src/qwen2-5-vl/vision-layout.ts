import type { VisionConfig } from './config.ts';
import { QwenVlInputError } from './error.ts';
import type { PatchGrid } from './patches.ts';
import { frequencies } from './rotary.ts';

/** Which patches attend to which in the vision tower; host data. */
export interface VisionLayout {
  /** Merged cells in the order in which windows lie side by side: `[cells]`, positions in the processor's order. */
  readonly windowOrder: Int32Array;
  /** Patches of each window. */
  readonly windowLengths: readonly number[];
  /** Patches of each frame. */
  readonly frameLengths: readonly number[];
  /** Rotary angles of each patch in the processor's order: `[patches, head size / 2]`. */
  readonly angles: Float32Array;
  readonly patches: number;
}

/**
 * Lays out pictures: windows of `window` pixels, cut off at the right and lower edges, frame by frame.
 *
 * @throws QwenVlInputError for a grid that does not divide into merged cells.
 */
export function visionLayout(grids: readonly PatchGrid[], config: VisionConfig): VisionLayout {
  for (const { rows, columns } of grids)
    if (rows % config.merge !== 0 || columns % config.merge !== 0)
      throw new QwenVlInputError(`a grid of ${rows} x ${columns} patches does not divide into merged cells`);
  const windows = windowsOf(grids, config);
  const area = config.merge ** 2;
  const patches = grids.reduce((sum, { frames, rows, columns }) => sum + frames * rows * columns, 0);
  return {
    windowOrder: Int32Array.from(windows.flat()),
    windowLengths: windows.map((cells) => cells.length * area),
    frameLengths: grids.flatMap(({ frames, rows, columns }) =>
      new Array<number>(frames).fill(rows * columns),
    ),
    angles: patchAngles(grids, config, patches),
    patches,
  };
}

/** Positions of the patches of merged cells in some order, each cell's patches staying together. */
export function patchOrder(cells: Int32Array, merge: number): Int32Array {
  const area = merge ** 2;
  return Int32Array.from(
    { length: cells.length * area },
    (_, i) => cells[Math.floor(i / area)]! * area + (i % area),
  );
}

/** Where each position of an order comes from: `inverse[order[i]] = i`. */
export function inverseOrder(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length);
  order.forEach((position, i) => {
    inverse[position] = i;
  });
  return inverse;
}

function windowsOf(grids: readonly PatchGrid[], { window, merge, patch }: VisionConfig): readonly number[][] {
  const side = Math.floor(window / merge / patch);
  const windows: number[][] = [];
  let start = 0;
  for (const { frames, rows, columns } of grids) {
    const [height, width] = [rows / merge, columns / merge];
    for (let frame = 0; frame < frames; frame++, start += height * width)
      for (let top = 0; top < height; top += side)
        for (let left = 0; left < width; left += side) {
          const bottom = Math.min(top + side, height);
          const right = Math.min(left + side, width);
          windows.push(rectangle({ top, left, bottom, right }).map(([y, x]) => start + y * width + x));
        }
  }
  return windows;
}

interface Rectangle {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

function rectangle({ top, left, bottom, right }: Rectangle): readonly (readonly [number, number])[] {
  const width = right - left;
  return Array.from({ length: (bottom - top) * width }, (_, i) => [
    top + Math.floor(i / width),
    left + (i % width),
  ]);
}

/** Row and column of every patch times the frequencies: half of the angles each. */
function patchAngles(grids: readonly PatchGrid[], config: VisionConfig, patches: number): Float32Array {
  const { merge } = config;
  const bands = frequencies(config.width / config.heads / 2, 10_000);
  const angles = new Float32Array(patches * bands.length * 2);
  let at = 0;
  for (const { frames, rows, columns } of grids)
    for (let patch = 0; patch < frames * rows * columns; patch++, at += bands.length * 2) {
      const within = patch % (rows * columns);
      const [cell, part] = [Math.floor(within / merge ** 2), within % merge ** 2];
      const cellColumns = columns / merge;
      const row = Math.floor(cell / cellColumns) * merge + Math.floor(part / merge);
      const column = (cell % cellColumns) * merge + (part % merge);
      bands.forEach((band, i) => {
        angles[at + i] = row * band;
        angles[at + bands.length + i] = column * band;
      });
    }
  return angles;
}
