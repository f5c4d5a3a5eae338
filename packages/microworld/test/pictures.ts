import type { Image } from '@thinkrl/spec';
import { applyOperations, type Cells, type MicroTask, type Operation, renderScene } from '../src/index.ts';

/** The picture of a task's scene holding `cells` instead. */
export function pictureOf(task: MicroTask, cells: Cells): Image {
  return renderScene({ cells, background: task.scene.background });
}

/** The picture that a faithful editor makes of a plan. */
export function carriedOut(task: MicroTask, plan: readonly Operation[]): Image {
  return pictureOf(task, applyOperations(task.scene.cells, plan));
}

/** Mean of `value` over `items`. */
export function meanOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0) / items.length;
}
