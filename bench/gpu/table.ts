/** What a side took for a case: the median, and the most bytes in live tensors where they are counted. */
interface Taken {
  readonly seconds: number;
  readonly peak: number | null;
}

/** A case on both sides. The first of a table is a product of two matrices, whose rate at PyTorch is the dense one. */
export interface Row<Name extends string = string> {
  readonly name: Name;
  /** Floating-point operations. */
  readonly work: number;
  readonly ours: Taken;
  readonly peer: Taken;
}

const HEADER = [
  ...['case', 'ours ms', 'PyTorch ms', 'ratio', 'ours TFLOP/s', 'PyTorch', '% of dense'],
  ...['ours GB', 'PyTorch GB'],
];

/** Prints times, rates and peaks. */
export function print(rows: readonly Row[], title: string): void {
  const cells = (list: readonly string[]) => console.log(list.map((text) => text.padStart(13)).join(''));
  console.log(title);
  cells(HEADER);
  for (const row of rows) {
    const { name, work, ours, peer } = row;
    cells([
      name,
      (1e3 * ours.seconds).toFixed(3),
      (1e3 * peer.seconds).toFixed(3),
      (ours.seconds / peer.seconds).toFixed(3),
      rate(work, ours).toPrecision(3),
      rate(work, peer).toPrecision(3),
      (100 * shareOfDense(row, rows)).toFixed(0),
      gigabytes(ours.peak),
      gigabytes(peer.peak),
    ]);
  }
}

/** The bar that is not met by each case that is more than 5 % slower than PyTorch. */
export function slower(rows: readonly Row[]): readonly string[] {
  return rows
    .filter(({ ours, peer }) => ours.seconds > 1.05 * peer.seconds)
    .map(({ name }) => `${name} is slower than PyTorch`);
}

/** Our rate of a case as a share of the dense one. */
export function shareOfDense({ work, ours }: Row, [product]: readonly Row[]): number {
  return rate(work, ours) / rate(product!.work, product!.peer);
}

/** TFLOP/s. */
function rate(work: number, { seconds }: Taken): number {
  return work / seconds / 1e12;
}

/** Bytes in GB, or a dash where nobody counted. */
export function gigabytes(bytes: number | null): string {
  return bytes === null ? '-' : (bytes / 1e9).toPrecision(3);
}
