import type { Variable } from '@tensorflow/tfjs-core';
import type { ParameterMap } from '@thinkrl/nn';
import type { ShardedModule } from '../sharded-module.ts';
import type { Piece } from './piece.ts';

/** Tensors by name that lie as a module's trained shards do: the shards themselves, or an optimiser's moments of them. */
export interface ShardVectors {
  readonly vectors: ParameterMap;
  /** What the parameters' names begin with in files, such as `first.`; nothing unless given. */
  readonly prefix?: string;
}

/** A tensor with the pieces it holds, under their names in files. */
export interface NamedPieces {
  readonly vector: Variable;
  /** Names and shapes of the parameters that it is a part of, whoever keeps the rest. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly pieces: readonly Piece[];
}

/** What some vectors of a module hold, part by part. */
export function namedPieces(
  sharded: ShardedModule,
  { vectors, prefix = '' }: ShardVectors,
): readonly NamedPieces[] {
  return sharded.kept().flatMap((part) => {
    const vector = vectors.get(part.name);
    if (vector === undefined) return [];
    const shapes = [...part.parameters].map(([name, { shape }]) => [prefix + name, shape] as const);
    const pieces = part.pieces.map((piece) => ({ ...piece, name: prefix + piece.name }));
    return [{ vector, shapes: new Map(shapes), pieces }];
  });
}
