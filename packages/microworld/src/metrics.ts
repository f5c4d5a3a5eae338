import type { Image } from '@thinkrl/spec';
import { cellDifferences, type Reading, readPicture } from './decode.ts';
import { changedCells } from './scene.ts';
import type { MicroTask } from './task.ts';

/** Error at which a cell counts as not kept at all. */
const KEPT_SCALE = 0.5;

/** Distance to the nearest template at which a cell has no quality left. */
const QUALITY_SCALE = 0.3;

/** Most that the lazy quality takes off a changed picture. */
const LAZY_PENALTY = 0.5;

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Consistency: mean over the cells that must stay of `clip(1 - rmse(edit, reference) / 0.5)`, rmse on the [-1, 1]
 * scale. In [0, 1].
 */
export function keptConsistency(task: MicroTask, image: Image): number {
  const changed = changedCells(task.scene.cells, task.truth);
  const differences = cellDifferences(image, task.references[0]!);
  const kept = differences.filter((_, cell) => !changed.includes(cell));
  return mean(kept.map((difference) => clip(1 - difference / KEPT_SCALE)));
}

/**
 * Naive similarity to the reference, which punishes right edits too: `clip(1 - mean rmse of the 16 cells / scale)`.
 * One changed cell is about 0.05 of mean rmse.
 */
export function steepConsistency(task: MicroTask, image: Image, scale: number): number {
  return clip(1 - mean(cellDifferences(image, task.references[0]!)) / scale);
}

/** Quality: mean over cells of `clip(1 - rmse to the nearest template / 0.3)`. In [0, 1]. */
export function plainQuality(reading: Reading): number {
  return mean(reading.errors.map((error) => clip(1 - error / QUALITY_SCALE)));
}

/** Quality by a judge that likes untouched pictures: up to 0.5 off, in full at a mean rmse of `scale`. */
export function lazyQuality(task: MicroTask, image: Image, scale: number): number {
  const touched = mean(cellDifferences(image, task.references[0]!));
  const reading = readPicture(image, task.scene.background);
  return clip(plainQuality(reading) - LAZY_PENALTY * Math.min(1, touched / scale));
}
