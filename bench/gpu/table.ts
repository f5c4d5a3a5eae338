import type { CaseName } from './sizes.ts';

/** What a side took for a case: the median, and the most bytes in live tensors where they are counted. */
interface Taken {
  readonly seconds: number;
  readonly peak: number | null;
}

/** A case on both sides. */
export interface Row {
  readonly name: CaseName;
  /** Floating-point operations. */
  readonly work: number;
  readonly ours: Taken;
  readonly peer: Taken;
}

/** Prints times, rates and peaks. */
export function print(rows: readonly Row[], device: string): void {
  const cells = (list: readonly string[]) => console.log(list.map((text) => text.padStart(13)).join(''));
  console.log(`on ${device}, bfloat16; medians`);
  cells([
    'case',
    'ours ms',
    'PyTorch ms',
    'ratio',
    'ours TFLOP/s',
    'PyTorch',
    '% of dense',
    'ours GB',
    'PyTorch GB',
  ]);
  for (const { name, work, ours, peer } of rows)
    cells([
      name,
      (1e3 * ours.seconds).toFixed(2),
      (1e3 * peer.seconds).toFixed(2),
      (ours.seconds / peer.seconds).toFixed(3),
      rate(work, ours).toPrecision(3),
      rate(work, peer).toPrecision(3),
      ((100 * rate(work, ours)) / denseRate(rows)).toFixed(0),
      gigabytes(ours.peak),
      gigabytes(peer.peak),
    ]);
}

/**
 * The bars that are not met: within 5 % of PyTorch everywhere, a training step at 45 % of the dense rate at least, and
 * everything resident in 80 GB without the text encoder and in 141 GB with it.
 */
export function broken(rows: readonly Row[]): readonly string[] {
  const slow = rows
    .filter(({ ours, peer }) => ours.seconds > 1.05 * peer.seconds)
    .map(({ name }) => `${name} is slower than PyTorch`);
  const train = rows.find(({ name }) => name === 'train')!;
  const part = rate(train.work, train.ours) / denseRate(rows);
  const shares =
    part < 0.45 ? [`a training step runs at ${(100 * part).toFixed(0)} % of the dense rate`] : [];
  return [...slow, ...shares, ...tooLarge(rows)];
}

/** Models are measured one by one: with the text encoder means both peaks together. */
function tooLarge(rows: readonly Row[]): readonly string[] {
  const most = (...names: readonly CaseName[]) =>
    Math.max(...rows.filter(({ name }) => names.includes(name)).map(({ ours }) => ours.peak ?? 0));
  const image = most('denoise', 'sample', 'train');
  const all = image + most('prefill', 'decode');
  return [
    ...(image === 0 ? ['nobody counted the bytes'] : []),
    ...(image > 80e9 ? [`without the text encoder ${gigabytes(image)} GB are resident, more than 80`] : []),
    ...(all > 141e9 ? [`with the text encoder ${gigabytes(all)} GB are resident, more than 141`] : []),
  ];
}

/** Of PyTorch's matrix product. */
function denseRate(rows: readonly Row[]): number {
  const { work, peer } = rows.find(({ name }) => name === 'product')!;
  return rate(work, peer);
}

/** TFLOP/s. */
function rate(work: number, { seconds }: Taken): number {
  return work / seconds / 1e12;
}

function gigabytes(bytes: number | null): string {
  return bytes === null ? '-' : (bytes / 1e9).toPrecision(3);
}
