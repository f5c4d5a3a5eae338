import fc from 'fast-check';

/** A reward on a coarse grid, so that ties and equal vectors are common. */
const coarse = fc.integer({ min: 0, max: 3 }).map((value) => value / 4);
/** A reward that is almost never tied; sums of such are exact. */
const fine = fc.integer({ min: 0, max: 2 ** 20 }).map((value) => value / 2 ** 20);

/** Groups of 1 to `samples` reward vectors with 1 to 4 dimensions, coarse or fine. */
export function groups(samples: number): fc.Arbitrary<number[][]> {
  return fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()).chain(([dimensions, grid]) =>
    fc.array(fc.array(grid ? coarse : fine, { minLength: dimensions, maxLength: dimensions }), {
      minLength: 1,
      maxLength: samples,
    }),
  );
}

/** {@link groups} in which some samples have no judgement. */
export function groupsWithGaps(samples: number): fc.Arbitrary<(number[] | null)[]> {
  return groups(samples).chain((rows) =>
    fc
      .array(fc.integer({ min: 0, max: 5 }), { minLength: rows.length, maxLength: rows.length })
      .map((draws) => rows.map((row, i) => (draws[i] === 0 ? null : row))),
  );
}

/** {@link groups} with at least two dimensions. */
export function conflicts(samples: number): fc.Arbitrary<number[][]> {
  return groups(samples).filter((rewards) => rewards[0]!.length >= 2);
}
