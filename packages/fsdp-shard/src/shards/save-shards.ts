import { reshape, slice, tidy, type Variable } from '@tensorflow/tfjs-core';
import { type PendingTensor, writePending } from '@thinkrl/nn';
import type { ShardedModule } from '../sharded-module.ts';
import type { Piece } from './piece.ts';
import { namedPieces, type ShardVectors } from './vectors.ts';

/**
 * Writes this rank's values to a safetensors file that is whole or not there. A parameter that is all here has its name and
 * shape; of another, the run of values that is here is a vector of the parameter's name, and the file's metadata say under
 * that name, in JSON, the parameter's `shape` and the `offset` of the run in its values.
 *
 * @example
 * await saveShards(`editor.${group.rank}-of-2.safetensors`, sharded, [{ vectors: sharded.shards() }]);
 */
export async function saveShards(
  path: string,
  sharded: ShardedModule,
  states: readonly ShardVectors[],
): Promise<void> {
  const tensors = new Map<string, PendingTensor>();
  const metadata: Record<string, string> = {};
  for (const { vector, pieces } of states.flatMap((state) => namedPieces(sharded, state)))
    for (const piece of pieces) {
      const { name, shape, values, offset, size } = piece;
      const whole = size === values;
      const read = () => download(vector, piece);
      tensors.set(name, { shape: whole ? shape : [size], dtype: 'F32', read });
      if (!whole) metadata[name] = JSON.stringify({ shape, offset });
    }
  await writePending(path, tensors, metadata);
}

async function download(vector: Variable, { at, size }: Piece): Promise<Float32Array> {
  const part = tidy(() => slice(reshape(vector, [-1]), [at], [size]));
  try {
    return (await part.data()) as Float32Array;
  } finally {
    part.dispose();
  }
}
