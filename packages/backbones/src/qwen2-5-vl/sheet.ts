import type { TokenRows } from './model.ts';
import type { PlacedText } from './placed-text.ts';
import { type PositionRows, positionRows } from './positions.ts';
import { joinPatches } from './processor.ts';
import type { SharedRow } from './shared-rows.ts';

/** A run of tokens of one branch. */
export interface Segment extends PlacedText {
  readonly row: number;
  readonly branch: number;
}

/** Segments laid out for one run of the model. */
export interface Sheet extends TokenRows {
  readonly positions: PositionRows;
  /** Where the first token of each segment lies among all `[rows * tokens]`. */
  readonly starts: readonly number[];
}

/**
 * Lays segments out, those of a row side by side in the order given, and adds them to `rows`, which are padded to one
 * length. Segments come row by row.
 */
export function layOut(segments: readonly Segment[], rows: readonly SharedRow[]): Sheet {
  const before = rows[0]!.length;
  const columns = segments.map(({ row, branch, ids }) => {
    const start = rows[row]!.length - before;
    rows[row]!.append(branch, ids.length);
    return start;
  });
  const length = Math.max(...rows.map((row) => row.length));
  for (const row of rows) row.pad(length);
  const tokens = length - before;
  const ids = new Int32Array(rows.length * tokens);
  const starts = segments.map((segment, i) => segment.row * tokens + columns[i]!);
  segments.forEach((segment, i) => {
    ids.set(segment.ids, starts[i]!);
  });
  const placed = segments.map(({ row, positions }, i) => ({ row, positions, start: columns[i]! }));
  return {
    ids,
    rows: rows.length,
    tokens,
    patches: joinPatches(segments.map(({ patches }) => patches)),
    places: segments.flatMap(({ places }, i) => places.map((place) => starts[i]! + place)),
    positions: positionRows(placed, { rows: rows.length, tokens }),
    starts,
  };
}
