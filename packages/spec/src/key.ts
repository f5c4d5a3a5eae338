/** One round of a 32-bit avalanche mix (murmur3 finaliser). */
function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function absorb(state: number, word: number): number {
  let h = Math.imul(word, 0xcc9e2d51);
  h = Math.imul((h << 15) | (h >>> 17), 0x1b873593);
  h ^= state;
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) >>> 0;
}

/**
 * An immutable random key: the explicit source of randomness everywhere in thinkrl.
 *
 * Folding data into a key gives an independent key; the same key always gives the same numbers, whatever was drawn
 * before. Not for cryptography.
 *
 * @example
 * const key = Key.of(7);
 * const noise = key.fold('noise').fold(step).stream().normal();
 */
export class Key {
  private readonly hi: number;
  private readonly lo: number;

  private constructor(hi: number, lo: number) {
    this.hi = hi;
    this.lo = lo;
  }

  /** The key of an integer seed. */
  static of(seed: number): Key {
    const low = seed >>> 0;
    const high = Math.floor(seed / 2 ** 32) >>> 0;
    return new Key(mix(low ^ 0x9e3779b9), mix(absorb(low, high) ^ 0x7f4a7c15));
  }

  /** A key that depends on this one and on `data`; different data give independent keys. */
  fold(data: number | string): Key {
    let { hi, lo } = this;
    for (const word of wordsOf(data)) {
      hi = absorb(hi, word);
      lo = absorb(lo, word ^ hi);
    }
    return new Key(mix(hi ^ Math.imul(lo, 0x2545f491)), mix(lo ^ hi));
  }

  /** `count` independent keys, `fold(0)` to `fold(count - 1)`. */
  split(count: number): readonly Key[] {
    return Array.from({ length: count }, (_, index) => this.fold(index));
  }

  /** A fresh stream of draws that starts from this key. */
  stream(): RandomStream {
    return new RandomStream(this.hi, this.lo);
  }

  /** The two unsigned 32-bit words that a {@link stream} starts from, for engines that run the same generator. */
  words(): readonly [first: number, second: number] {
    return [this.hi, this.lo];
  }

  /** An integer in [0, 2^48) for engines that take a numeric seed. */
  seed(): number {
    return (this.hi & 0xffff) * 2 ** 32 + this.lo;
  }
}

function wordsOf(data: number | string): readonly number[] {
  if (typeof data === 'string')
    return [data.length ^ 0x5bd1e995, ...Array.from(data, (c) => c.codePointAt(0)!)];
  if (!Number.isSafeInteger(data)) throw new RangeError(`Key.fold takes an integer or a string, got ${data}`);
  return [data >>> 0, Math.floor(data / 2 ** 32) >>> 0];
}

/** A seeded stream of pseudo-random draws (sfc32). Make one from a {@link Key}; it is never shared between components. */
export class RandomStream {
  private a: number;
  private b: number;
  private c = 0x9e3779b9;
  private counter = 1;

  constructor(hi: number, lo: number) {
    this.a = hi | 0;
    this.b = lo | 0;
    for (let round = 0; round < 12; round++) this.word();
  }

  /** A uniform 32-bit integer, 0 to 2^32 - 1. */
  word(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 0x4000000 + (this.word() >>> 6)) / 2 ** 53;
  }

  /** A uniform integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** A standard normal draw (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One item of a non-empty list, uniformly. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick needs a non-empty list');
    return items[this.integer(items.length)]!;
  }

  /** `count` different items in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    if (count > items.length) throw new RangeError(`cannot take ${count} different items of ${items.length}`);
    const pool = items.slice();
    for (let i = 0; i < count; i++) {
      const j = i + this.integer(pool.length - i);
      [pool[i], pool[j]] = [pool[j]!, pool[i]!];
    }
    return pool.slice(0, count);
  }
}
