import * as tf from '@tensorflow/tfjs-core';
import { attention } from '@thinkrl/nn';
import { inverseOrder } from './vision-layout.ts';

/** Segments of one length that lie side by side. */
interface SegmentGroup {
  readonly count: number;
  readonly length: number;
}

/** Rows cut into segments, ordered so that segments of one length lie side by side. */
export interface Segments {
  readonly groups: readonly SegmentGroup[];
  /** Rows in that order and back, int32; none where they already lie so. */
  readonly order: readonly [there: tf.Tensor1D, back: tf.Tensor1D] | readonly [];
}

/** What {@link segmentAttention} works on, `[rows, heads, size]` each. */
export interface SegmentInputs {
  readonly query: tf.Tensor3D;
  readonly key: tf.Tensor3D;
  readonly value: tf.Tensor3D;
}

/** Segments of the given lengths, one after the other. The tensors belong to the surrounding `tf.tidy`. */
export function segmentsOf(lengths: readonly number[]): Segments {
  const starts: number[] = [];
  lengths.reduce((start, length) => {
    starts.push(start);
    return start + length;
  }, 0);
  const byLength = [...starts.keys()].sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const groups: { count: number; length: number }[] = [];
  for (const segment of byLength) {
    const length = lengths[segment]!;
    if (groups.at(-1)?.length === length) groups.at(-1)!.count += 1;
    else groups.push({ count: 1, length });
  }
  if (byLength.every((segment, i) => segment === i)) return { groups, order: [] };
  const rows = byLength.flatMap((segment) =>
    Array.from({ length: lengths[segment]! }, (_, i) => starts[segment]! + i),
  );
  const there = Int32Array.from(rows);
  return { groups, order: [tf.tensor1d(there, 'int32'), tf.tensor1d(inverseOrder(there), 'int32')] };
}

/** Attention inside each segment, nothing padded: `[rows, heads, size]`. */
export function segmentAttention(inputs: SegmentInputs, { groups, order }: Segments): tf.Tensor3D {
  const [there, back] = order;
  const arranged = (x: tf.Tensor3D) => (there === undefined ? x : tf.gather(x, there));
  const [query, key, value] = [arranged(inputs.query), arranged(inputs.key), arranged(inputs.value)];
  const [, heads, size] = query.shape;
  let start = 0;
  const parts = groups.map(({ count, length }) => {
    const rows = count * length;
    const part = (x: tf.Tensor3D) =>
      tf.reshape(tf.slice(x, [start, 0, 0], [rows, heads, size]), [
        count,
        length,
        heads,
        size,
      ]) as tf.Tensor4D;
    const mixed = attention({ query: part(query), key: part(key), value: part(value) });
    start += rows;
    return tf.reshape(mixed, [rows, heads, size]) as tf.Tensor3D;
  });
  const joined = parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
  return back === undefined ? joined : tf.gather(joined, back);
}
