import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** How places between pixels are filled. */
export type UpsampleMode = 'nearest' | 'bilinear';

/** The size asked for and how it is reached. */
export interface UpsampleOptions {
  /** Height and width of the result. */
  readonly size: readonly [number, number];
  readonly mode: UpsampleMode;
}

/**
 * Resizes images `x [batch, ..., height, width, channels]` as PyTorch's `interpolate` does without aligned corners.
 *
 * @example
 * const twice = upsample(x, { size: [2 * height, 2 * width], mode: 'nearest' });
 */
export function upsample<T extends tf.Tensor>(x: T, options: UpsampleOptions): T {
  const [height, width, channels] = x.shape.slice(-3) as [number, number, number];
  const images = tf.reshape(x, [-1, height, width, channels]) as tf.Tensor4D;
  const y = hasKernel('Upsample')
    ? runFused('Upsample', { x: images }, options)[0]!
    : composedUpsample(images, options);
  return tf.reshape(y, [...x.shape.slice(0, -3), ...options.size, channels]) as T;
}

/** {@link upsample} of rank 4 from core operations: one product per axis. */
export function composedUpsample(x: tf.Tensor4D, { size, mode }: UpsampleOptions): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const rows = tf.matMul(axisMatrix(height, size[0], mode), tf.reshape(x, [batch, height, width * channels]));
  const flat = tf.reshape(rows, [batch * size[0], width, channels]);
  return tf.reshape(tf.matMul(axisMatrix(width, size[1], mode), flat), [batch, ...size, channels]);
}

/** `[to, from]`: how much of each old place is in each new one. */
function axisMatrix(from: number, to: number, mode: UpsampleMode): tf.Tensor2D {
  const shares = new Float32Array(to * from);
  const add = (row: number, column: number, share: number) => {
    shares[row * from + Math.min(column, from - 1)]! += share;
  };
  // PyTorch computes places in single precision.
  const scale = Math.fround(from / to);
  for (let i = 0; i < to; i++) {
    if (mode === 'nearest') {
      add(i, Math.floor(Math.fround(i * scale)), 1);
      continue;
    }
    const place = Math.max(0, scale * (i + 0.5) - 0.5);
    const low = Math.floor(place);
    add(i, low, 1 - (place - low));
    add(i, low + 1, place - low);
  }
  return tf.tensor2d(shares, [to, from]);
}
