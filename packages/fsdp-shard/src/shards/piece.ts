import type { Place } from '../layout.ts';

/** A run of a parameter's values, row-major, that one rank keeps. */
export interface Piece {
  readonly name: string;
  /** Shape of the whole parameter, and its values. */
  readonly shape: readonly number[];
  readonly values: number;
  /** Where the run begins in the parameter, and how long it is. */
  readonly offset: number;
  readonly size: number;
  /** Where it begins in the shard. */
  readonly at: number;
}

/** A run of a vector's values. */
export interface Span {
  readonly begin: number;
  readonly size: number;
}

/**
 * What of each parameter lies in a span of the vector that they are laid out in, in order; what fills the span up is no
 * piece.
 *
 * @example
 * // 20 values of `a` and, from place 32 on, 3 of `b` over 2 ranks: rank 1 has the last two of `a` and all of `b`.
 * const pieces = piecesOf(layout.places, { begin: 18, size: 18 });
 * pieces.map(({ name, offset, size, at }) => [name, offset, size, at]); // [['a', 18, 2, 0], ['b', 0, 3, 14]]
 */
export function piecesOf(
  places: ReadonlyMap<string, Place>,
  { begin, size: length }: Span,
): readonly Piece[] {
  return [...places].flatMap(([name, { variable, offset: place }]) => {
    const from = Math.max(place, begin);
    const to = Math.min(place + variable.size, begin + length);
    if (from >= to) return [];
    const { shape, size: values } = variable;
    return [{ name, shape, values, offset: from - place, size: to - from, at: from - begin }];
  });
}
