import * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import { hasKernel, runFused } from './fused.ts';

/**
 * Standard normal draws of the given shape, decided by `key` alone on one engine. Engines differ in their numbers;
 * without a fused kernel they are drawn on the host.
 *
 * @example
 * const noise = randomNormal([4, 16], Key.of(7).fold('noise'));
 */
export function randomNormal(shape: readonly number[], key: Key): tf.Tensor {
  if (hasKernel('SeededNormal'))
    return runFused('SeededNormal', {}, { shape: [...shape], seed: key.seed(), mean: 0, std: 1 })[0]!;
  const stream = key.stream();
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < data.length; i++) data[i] = stream.normal();
  return tf.tensor(data, [...shape]);
}
