import * as tf from '@tensorflow/tfjs-core';
import type { Key, RandomStream } from '@thinkrl/spec';

/** Fills `target` with standard normal draws: Box-Muller, both halves of each pair. */
export function fillNormal(target: Float32Array, stream: RandomStream): void {
  for (let i = 0; i < target.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((stream.word() + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * stream.word()) / 2 ** 32;
    target[i] = radius * Math.cos(angle);
    if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle);
  }
}

/**
 * Standard normal noise `[edits, ...shape]` in which row `i` is decided by `keys[i]` alone, on every engine alike: a
 * chain draws the same numbers in any batch.
 */
export function drawNoise(keys: readonly Key[], shape: readonly number[]): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const data = new Float32Array(keys.length * size);
  keys.forEach((key, row) => {
    fillNormal(data.subarray(row * size, (row + 1) * size), key.stream());
  });
  return tf.tensor(data, [keys.length, ...shape]);
}
