import { dispose, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { RankDivergenceError } from './error.ts';
import type { ProcessGroup } from './process-group.ts';

/**
 * Checks that tensors hold the same values on every rank, to the bit, by comparing a fingerprint of each rank's.
 *
 * @throws RankDivergenceError on every rank when they do not.
 * @example
 * if (iteration % 20 === 0) await sameEverywhere(group, [...model.parameters().values()]);
 */
export async function sameEverywhere(group: ProcessGroup, tensors: readonly Tensor[]): Promise<void> {
  if (group.worldSize === 1) return;
  const own = tensor1d([await fingerprint(tensors)], 'int32');
  const all = await group.allGather(own);
  const fingerprints = [...(await all.data())];
  dispose([own, all]);
  if (new Set(fingerprints).size > 1) throw new RankDivergenceError(fingerprints);
}

/** FNV-1a over the bits of all values, as a signed 32-bit number. */
async function fingerprint(tensors: readonly Tensor[]): Promise<number> {
  let hash = 0x811c9dc5;
  for (const tensor of tensors) {
    const values = (await tensor.data()) as Float32Array | Int32Array | Uint8Array;
    const bits =
      values.BYTES_PER_ELEMENT === 4
        ? new Int32Array(values.buffer, values.byteOffset, values.length)
        : values;
    for (const word of bits) hash = Math.imul(hash ^ word, 0x01000193);
  }
  return hash | 0;
}
