import type { Variable } from '@tensorflow/tfjs-core';
import type { ParameterMap } from '@thinkrl/nn';
import type { ShardedModule } from '../sharded-module.ts';
import { type Piece, piecesOf } from './piece.ts';

/** Vectors by unit that lie as a module's trained shards do: the shards themselves, or an optimiser's moments of them. */
export interface ShardVectors {
  readonly vectors: ParameterMap;
  /** What the parameters' names begin with in files, such as `first.`; nothing unless given. */
  readonly prefix?: string;
}

/** A vector with the pieces it holds, under their names in files. */
export interface NamedPieces {
  readonly vector: Variable;
  /** Names and shapes of all parameters of the unit, whoever keeps their values. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly pieces: readonly Piece[];
}

/** What some vectors of a module hold, unit by unit. */
export function namedPieces(
  { units }: ShardedModule,
  { vectors, prefix = '' }: ShardVectors,
): readonly NamedPieces[] {
  return units.flatMap(({ name: unit, flats }) => {
    const flat = flats.find(({ options }) => options.trainable);
    const vector = vectors.get(unit);
    if (flat === undefined || vector === undefined) return [];
    const shapes = [...flat.places].map(([name, { variable }]) => [prefix + name, variable.shape] as const);
    const pieces = piecesOf(flat).map((piece) => ({ ...piece, name: prefix + piece.name }));
    return [{ vector, shapes: new Map(shapes), pieces }];
  });
}
