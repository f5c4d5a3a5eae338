import * as tf from '@tensorflow/tfjs-core';
import type { Key, RandomStream } from '@thinkrl/spec';
import { hasKernel, runFused } from './fused.ts';

/**
 * Standard normal noise `[keys, ...shape]` in which row `i` is decided by `keys[i]` alone: the same numbers in any
 * batch, and on every engine up to float rounding.
 *
 * @example
 * const noise = keyedNormal(Key.of(7).split(64), [16, 192]); // [64, 16, 192]
 */
export function keyedNormal(keys: readonly Key[], shape: readonly number[]): tf.Tensor {
  const rows = [keys.length, ...shape];
  if (hasKernel('KeyedNormal'))
    return runFused('KeyedNormal', {}, { shape: rows, words: keys.flatMap((key) => key.words()) })[0]!;
  const size = tf.util.sizeFromShape([...shape]);
  const data = new Float32Array(keys.length * size);
  keys.forEach((key, row) => {
    fillNormal(data.subarray(row * size, (row + 1) * size), key.stream());
  });
  return tf.tensor(data, rows);
}

/** Fills `target` with standard normal draws: Box-Muller, both halves of each pair. */
export function fillNormal(target: Float32Array, stream: RandomStream): void {
  for (let i = 0; i < target.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((stream.word() + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * stream.word()) / 2 ** 32;
    target[i] = radius * Math.cos(angle);
    if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle);
  }
}
