import * as tf from '@tensorflow/tfjs-core';

/** How a picture is cut into tiles, in places of what goes in and of what comes out. */
export interface TileOptions {
  /** Side of a tile that goes in. */
  readonly size: number;
  /** From one tile that goes in to the next. */
  readonly stride: number;
  /** Places that come out for one that goes in: 1 / 8 when encoding, 8 when decoding. */
  readonly scale: number;
}

/**
 * Applies `fn` tile by tile to `x [batch, height, width, channels]` and blends what overlaps linearly. Memory is bounded by
 * the tile, but no tile sees the others: the result is near that of the whole, not the same.
 */
export function byTiles(
  x: tf.Tensor4D,
  { size, stride, scale }: TileOptions,
  fn: (tile: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const [step, overlap] = [stride * scale, (size - stride) * scale];
  const starts = (length: number) => Array.from({ length: Math.ceil(length / stride) }, (_, i) => i * stride);
  let above: readonly tf.Tensor4D[] = [];
  const rows = starts(height).map((top) => {
    const row: tf.Tensor4D[] = [];
    starts(width).forEach((left, column) => {
      const extent = [batch, Math.min(size, height - top), Math.min(size, width - left), channels] as const;
      const tile = fn(tf.slice(x, [0, top, left, 0], [...extent]));
      const below = above[column] === undefined ? tile : blend(above[column], tile, { axis: 1, overlap });
      row.push(row.length === 0 ? below : blend(row.at(-1)!, below, { axis: 2, overlap }));
    });
    above = row;
    return tf.concat(
      row.map((tile) => cut(cut(tile, 1, step), 2, step)),
      2,
    );
  });
  return cut(cut(tf.concat(rows, 1), 1, height * scale), 2, width * scale);
}

interface Seam {
  readonly axis: 1 | 2;
  readonly overlap: number;
}

/** `b` with its first places faded in from the last places of `a`. */
function blend(a: tf.Tensor4D, b: tf.Tensor4D, { axis, overlap }: Seam): tf.Tensor4D {
  const extent = Math.min(a.shape[axis], b.shape[axis], overlap);
  const shape = [1, 1, 1, 1];
  shape[axis] = extent;
  const share = tf.reshape(tf.div(tf.range(0, extent), extent), shape);
  const end = part(a, axis, [a.shape[axis] - extent, extent]);
  const start = part(b, axis, [0, extent]);
  const faded = tf.add(tf.mul(end, tf.sub(1, share)), tf.mul(start, share)) as tf.Tensor4D;
  const rest = b.shape[axis] - extent;
  return rest === 0 ? faded : tf.concat([faded, part(b, axis, [extent, rest])], axis);
}

/** At most the first `length` places. */
function cut(x: tf.Tensor4D, axis: 1 | 2, length: number): tf.Tensor4D {
  return x.shape[axis] <= length ? x : part(x, axis, [0, length]);
}

function part(x: tf.Tensor4D, axis: 1 | 2, [start, length]: readonly [number, number]): tf.Tensor4D {
  const begin = [0, 0, 0, 0];
  const size = [...x.shape];
  begin[axis] = start;
  size[axis] = length;
  return tf.slice(x, begin, size);
}
