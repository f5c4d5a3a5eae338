import type { Key } from '@thinkrl/spec';

/** How samples are put together. */
export interface BucketOptions<Sample> {
  readonly batchSize: number;
  /** Batches made from one pool of samples; 4 unless given. */
  readonly batches?: number;
  readonly length: (sample: Sample) => number;
  /** `count` samples of a key. */
  readonly draw: (key: Key, count: number) => readonly Sample[];
  readonly key: Key;
}

/**
 * Batches of samples of similar length, which saves padding: samples are drawn some batches at a time, sorted by length,
 * cut into batches and served in random order. Batch `step` depends on the key alone.
 *
 * @example
 * const batch = bucketedBatches({ batchSize: 32, length: (s) => s.words, draw, key });
 * batch(0); // 32 samples
 */
export function bucketedBatches<Sample>(options: BucketOptions<Sample>): (step: number) => readonly Sample[] {
  const { batchSize, batches = 4, length, draw, key } = options;
  let pool = -1;
  let served: readonly (readonly Sample[])[] = [];
  return (step) => {
    const wanted = Math.floor(step / batches);
    if (wanted !== pool) {
      const samples = [...draw(key.fold(wanted), batches * batchSize)].sort((a, b) => length(a) - length(b));
      const cut = Array.from({ length: batches }, (_, i) =>
        samples.slice(i * batchSize, (i + 1) * batchSize),
      );
      served = key.fold('order').fold(wanted).stream().sample(cut, batches);
      pool = wanted;
    }
    return served[step % batches]!;
  };
}
