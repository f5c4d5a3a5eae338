import type { Tensor } from '@tensorflow/tfjs-core';
import { fromEveryRank } from './agreement.ts';
import { RankDivergenceError } from './error.ts';
import type { ProcessGroup } from './process-group.ts';

/**
 * Checks that parameters hold the same values on every rank, to the bit, by comparing a fingerprint of each rank's. Where
 * parameters are shared out and the parts repeated, ranks are compared with those that keep the same `part`.
 *
 * @throws RankDivergenceError on every rank when they do not: it names the ranks that differ from most, and the first
 * parameter that does.
 * @example
 * if (iteration % 20 === 0) await sameEverywhere(group, model.parameters());
 * await sameEverywhere(world, sharded.shards(), sharded.group.rank); // hybrid sharding
 */
export async function sameEverywhere(
  group: ProcessGroup,
  parameters: ReadonlyMap<string, Tensor>,
  part = 0,
): Promise<void> {
  if (group.worldSize === 1) return;
  const own: number[] = [];
  for (const tensor of parameters.values()) own.push(await fingerprint(tensor));
  const all = await fromEveryRank(group, { part, own });
  for (const each of new Set(all.map((theirs) => theirs.part))) {
    const keepers = [...all.keys()].filter((rank) => all[rank]!.part === each);
    const values = keepers.map((rank) => all[rank]!.own);
    const fingerprints = values.map(wordsHash);
    if (new Set(fingerprints).size === 1) continue;
    const parameter = [...parameters.keys()].find((_, i) =>
      values.some((theirs) => theirs[i] !== values[0]![i]),
    );
    throw new RankDivergenceError({ fingerprints, keepers, parameter: parameter ?? null });
  }
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
