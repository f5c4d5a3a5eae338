import { tensor, type Variable } from '@tensorflow/tfjs-core';
import { type HostTensor, noGrad, requireSameShapes, runFused } from '@thinkrl/nn';
import type { ShardedModule } from '../sharded-module.ts';
import type { Piece } from './piece.ts';
import { namedPieces, type ShardVectors } from './vectors.ts';

/**
 * Fills this rank's vectors from parameters by name, reading of each only what lies here: a checkpoint of another number of
 * ranks, of other units or of an unsharded module. Strict: what is missing, unexpected or of another shape is refused before
 * anything is changed; values that none of the files holds are when they are come to.
 *
 * @throws ParameterMismatchError; ShardFileError and SafetensorsError when values cannot be read.
 * @example
 * const opened = openShards(['editor.0-of-2.safetensors', 'editor.1-of-2.safetensors']);
 * loadShards(sharded, opened.tensors, [{ vectors: sharded.shards() }]); // in a world of any size
 */
export function loadShards(
  sharded: ShardedModule,
  tensors: ReadonlyMap<string, HostTensor>,
  states: readonly ShardVectors[],
): void {
  const units = states.flatMap((state) => namedPieces(sharded, state));
  requireSameShapes(new Map(units.flatMap(({ shapes }) => [...shapes])), tensors);
  for (const { vector, pieces } of units) fill(vector, valuesOf(vector.size, pieces, tensors));
}

function valuesOf(
  length: number,
  pieces: readonly Piece[],
  tensors: ReadonlyMap<string, HostTensor>,
): Float32Array {
  const values = new Float32Array(length);
  for (const { name, offset, size, at } of pieces) {
    const tensor = tensors.get(name)!;
    const run = tensor.range?.(offset, offset + size) ?? tensor.data.slice(offset, offset + size);
    values.set(run as Float32Array, at);
  }
  return values;
}

/** In place: an offloaded vector must stay where it is. */
function fill(vector: Variable, values: Float32Array): void {
  const source = tensor(values, vector.shape);
  noGrad(() => runFused('AssignInPlace', { target: vector, source }));
  source.dispose();
}
