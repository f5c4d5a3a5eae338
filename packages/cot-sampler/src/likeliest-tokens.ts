/** When enough tokens are kept. */
export interface Enough {
  /** Tokens; no limit unless given. */
  readonly count?: number;
  /** Sum of their odds; no limit unless given. */
  readonly mass?: number;
}

/** Which of the two words of a float64 has its exponent. */
const HIGH = new Uint32Array(Float64Array.of(1).buffer)[1] === 0 ? 0 : 1;
/** Exponent and four more bits of 1, the largest odds. */
const LARGEST = 0x3ff0;
/** Up to so many tokens one bucket is enough: sorting them takes less than going through all buckets. */
const FEW = 2048;

/**
 * Keeps the odds of the likeliest tokens until there are enough of them, ties to the lower id, and sets all others to 0.
 * Odds are at most 1.
 *
 * Tokens are counted by exponent and four bits of their odds, and only those of the bucket in which it becomes enough are
 * sorted: a vocabulary of 150,000 tokens takes a few passes instead of a sort.
 */
export function keepLikeliest(
  odds: Float64Array,
  { count = Number.POSITIVE_INFINITY, mass = Number.POSITIVE_INFINITY }: Enough,
): void {
  const { buckets, sizes, masses } = inBuckets(odds);
  let [taken, held, bucket] = [0, 0, 0];
  for (; bucket < sizes.length && taken < count && held < mass; bucket++) {
    const [size, weight] = [sizes[bucket]!, masses[bucket]!];
    if (taken + size <= count && held + weight < mass) {
      taken += size;
      held += weight;
      continue;
    }
    for (const id of ranked(odds, buckets, bucket)) {
      if (taken < count && held < mass) {
        taken += 1;
        held += odds[id]!;
      } else odds[id] = 0;
    }
  }
  for (let id = 0; id < odds.length; id++) if (buckets[id]! >= bucket) odds[id] = 0;
}

/** The bucket of each token, the likeliest first, and what is in each bucket. */
function inBuckets(odds: Float64Array) {
  const words = new Uint32Array(odds.buffer, odds.byteOffset, 2 * odds.length);
  const buckets = new Uint16Array(odds.length);
  const largest = odds.length > FEW ? LARGEST : 0;
  const sizes = new Uint32Array(largest + 1);
  const masses = new Float64Array(largest + 1);
  for (let id = 0; id < odds.length; id++) {
    const bucket = Math.max(0, largest - (words[2 * id + HIGH]! >>> 16));
    buckets[id] = bucket;
    sizes[bucket]! += 1;
    masses[bucket]! += odds[id]!;
  }
  return { buckets, sizes, masses };
}

/** The tokens of a bucket, likeliest first. */
function ranked(odds: Float64Array, buckets: Uint16Array, bucket: number): readonly number[] {
  const ids: number[] = [];
  for (let id = 0; id < odds.length; id++) if (buckets[id] === bucket) ids.push(id);
  return ids.sort((a, b) => odds[b]! - odds[a]! || a - b);
}
