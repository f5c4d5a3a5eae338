import * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import { hasKernel, runFused } from './fused.ts';

/** Draws from `[0, 1)` of the given shape, decided by `key` alone on one engine; engines differ in their numbers. */
export function randomUniform(shape: readonly number[], key: Key): tf.Tensor {
  if (hasKernel('SeededUniform'))
    return runFused('SeededUniform', {}, { shape: [...shape], seed: key.seed(), low: 0, high: 1 })[0]!;
  const stream = key.stream();
  const size = tf.util.sizeFromShape([...shape]);
  // 24 bits, so that no draw rounds up to 1.
  const data = Float32Array.from({ length: size }, () => (stream.word() >>> 8) / 2 ** 24);
  return tf.tensor(data, [...shape]);
}
