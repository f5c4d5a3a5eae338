import { dispose, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { RankDivergenceError } from './error.ts';
import type { ProcessGroup } from './process-group.ts';

/**
 * Checks that parameters hold the same values on every rank, to the bit, by comparing a fingerprint of each rank's.
 *
 * @throws RankDivergenceError on every rank when they do not: it names the ranks that differ from most, and the first
 * parameter that does.
 * @example
 * if (iteration % 20 === 0) await sameEverywhere(group, model.parameters());
 */
export async function sameEverywhere(
  group: ProcessGroup,
  parameters: ReadonlyMap<string, Tensor>,
): Promise<void> {
  if (group.worldSize === 1) return;
  const own: number[] = [];
  for (const tensor of parameters.values()) own.push(await fingerprint(tensor));
  const wholes = await fromAll(group, [wordsHash(own)]);
  if (new Set(wholes).size === 1) return;
  const parts = await fromAll(group, own);
  const byRank = wholes.map((_, rank) => parts.slice(rank * own.length, (rank + 1) * own.length));
  const parameter = [...parameters.keys()].find((_, i) =>
    byRank.some((hashes) => hashes[i] !== byRank[0]![i]),
  );
  throw new RankDivergenceError({ fingerprints: wholes, parameter: parameter ?? null });
}

/** Whole numbers of every rank, in the order of the ranks. */
async function fromAll(group: ProcessGroup, numbers: readonly number[]): Promise<readonly number[]> {
  const own = tensor1d([...numbers], 'int32');
  const all = await group.allGather(own);
  const values = [...(await all.data())];
  dispose([own, all]);
  return values;
}

/** The bits of all values as a signed 32-bit number. */
async function fingerprint(tensor: Tensor): Promise<number> {
  const values = (await tensor.data()) as Float32Array | Int32Array | Uint8Array;
  const isWords = values.BYTES_PER_ELEMENT === 4;
  return wordsHash(isWords ? new Int32Array(values.buffer, values.byteOffset, values.length) : values);
}

/** FNV-1a, a word at a time: two lists that differ in one word have different hashes. */
function wordsHash(words: Iterable<number>): number {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash | 0;
}
