/** Seeded numbers in -1..1 that every process draws alike. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Part of a batch. */
export interface Rows {
  readonly from: number;
  readonly to: number;
  /** Rows of the batch. */
  readonly rows: number;
}

/** The numbers of some rows of a batch, each of `size` numbers. */
export function rowNumbers({ from, to, rows }: Rows, size: number, seed: number): Float32Array {
  return numbers(rows * size, seed).subarray(from * size, to * size);
}

/** The same as whole numbers of `least` and up, `count` different ones. */
export function rowIds(part: Rows, size: number, { seed, least, count }: Ids): Int32Array {
  return Int32Array.from(rowNumbers(part, size, seed), (x) => least + Math.floor(((x + 1) * count) / 2));
}

interface Ids {
  readonly seed: number;
  readonly least: number;
  readonly count: number;
}
