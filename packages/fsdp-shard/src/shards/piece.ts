import type { FlatParameters } from '../flat-parameters.ts';

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

/**
 * What of each parameter lies in this rank's shard, in the shard's order; what fills the shard up is no piece.
 *
 * @example
 * // 20 values of `a` and, from place 32 on, 3 of `b` over 2 ranks: rank 1 has the last two of `a` and all of `b`.
 * piecesOf(flat).map(({ name, offset, size, at }) => [name, offset, size, at]); // [['a', 18, 2, 0], ['b', 0, 3, 14]]
 */
export function piecesOf({
  shard,
  size: whole,
  places,
  options: { group },
}: FlatParameters): readonly Piece[] {
  const begin = shard.size === whole ? 0 : group.rank * shard.size;
  return [...places].flatMap(([name, { variable, offset: place }]) => {
    const from = Math.max(place, begin);
    const to = Math.min(place + variable.size, begin + shard.size);
    if (from >= to) return [];
    const { shape, size: values } = variable;
    return [{ name, shape, values, offset: from - place, size: to - from, at: from - begin }];
  });
}
