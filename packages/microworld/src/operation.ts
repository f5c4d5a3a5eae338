import type { Cells } from './scene.ts';
import { EMPTY } from './template.ts';

/** One atomic semantic step of a plan. Cells are 0 to 15, things are template ids. */
export type Operation =
  | { readonly kind: 'move'; readonly from: number; readonly to: number }
  | { readonly kind: 'change' | 'put'; readonly at: number; readonly thing: number }
  | { readonly kind: 'erase'; readonly at: number };

/** The cells that an operation reads or writes. */
export function touchedCells(operation: Operation): readonly number[] {
  return operation.kind === 'move' ? [operation.from, operation.to] : [operation.at];
}

/**
 * Carries out operations one after the other. `move` takes whatever is in `from` (its name in the plan's words does
 * not matter), leaves `from` empty and replaces what was in `to`; `change` and `put` set a cell; `erase` empties it.
 */
export function applyOperations(cells: Cells, operations: readonly Operation[]): Cells {
  const next = cells.slice();
  for (const operation of operations) {
    if (operation.kind === 'move') {
      const thing = next[operation.from]!;
      next[operation.from] = EMPTY;
      next[operation.to] = thing;
    } else next[operation.at] = operation.kind === 'erase' ? EMPTY : operation.thing;
  }
  return next;
}
