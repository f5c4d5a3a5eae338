/**
 * Whether row `i` is at most row `j` in the product order: no dimension of `values [rows, dimensions]` is larger
 * (method section 3).
 */
export function atMost(values: Float64Array, dimensions: number, i: number, j: number): boolean {
  const left = i * dimensions;
  const right = j * dimensions;
  for (let k = 0; k < dimensions; k++) if (values[left + k]! > values[right + k]!) return false;
  return true;
}

/** Whether row `j` dominates row `i`: at least as good everywhere and better somewhere. */
export function dominatedBy(values: Float64Array, dimensions: number, i: number, j: number): boolean {
  return atMost(values, dimensions, i, j) && !atMost(values, dimensions, j, i);
}

/**
 * Rows ascending by sum, then lexicographically by reward, then by index: a linear extension of the product order.
 *
 * It is one in floating point too: rounding is monotone, so a row that is at most another never has a larger sum,
 * and where rounding makes the sums equal the lexicographic step decides.
 */
export function linearExtension(values: Float64Array, dimensions: number, sums: Float64Array): Int32Array {
  return Int32Array.from(sums.keys()).sort((i, j) => {
    if (sums[i] !== sums[j]) return sums[i]! - sums[j]!;
    for (let k = 0; k < dimensions; k++) {
      const difference = values[i * dimensions + k]! - values[j * dimensions + k]!;
      if (difference !== 0) return difference;
    }
    return i - j;
  });
}
