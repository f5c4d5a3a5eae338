import type { CaseName } from './sizes.ts';
import { gigabytes, type Row, shareOfDense, slower } from './table.ts';

/**
 * The bars that are not met: within 5 % of PyTorch everywhere, a training step at 45 % of the dense rate at least, and
 * everything resident in 80 GB without the text encoder and in 141 GB with it.
 */
export function broken(rows: readonly Row<CaseName>[]): readonly string[] {
  const part = shareOfDense(rows.find(({ name }) => name === 'train')!, rows);
  const shares =
    part < 0.45 ? [`a training step runs at ${(100 * part).toFixed(0)} % of the dense rate`] : [];
  return [...slower(rows), ...shares, ...tooLarge(rows)];
}

/** Models are measured one by one: with the text encoder means both peaks together. */
function tooLarge(rows: readonly Row<CaseName>[]): readonly string[] {
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
