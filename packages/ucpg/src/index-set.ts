/**
 * Sets of row numbers below `size`, one per row, compared by which holds the lowest number that the other lacks.
 *
 * Kept as bits with the lowest row number in the highest bit, so that the comparison is the one of big integers.
 */
export class IndexSets {
  private readonly words: number;
  private readonly bits: Uint32Array;

  constructor(size: number) {
    this.words = Math.ceil(size / 32);
    this.bits = new Uint32Array(size * this.words);
  }

  /** Makes the set of `row` that of `parent` (-1 for none) with `member` added. */
  extend(row: number, parent: number, member: number): void {
    const at = row * this.words;
    if (parent >= 0)
      for (let word = 0; word < this.words; word++)
        this.bits[at + word] = this.bits[parent * this.words + word]!;
    this.bits[at + (member >>> 5)]! |= 0x80000000 >>> (member & 31);
  }

  /** Whether the set of row `a` holds the lowest number in which the sets of `a` and `b` differ. */
  lower(a: number, b: number): boolean {
    for (let word = 0; word < this.words; word++) {
      const left = this.bits[a * this.words + word]!;
      const right = this.bits[b * this.words + word]!;
      if (left !== right) return left > right;
    }
    return false;
  }
}
