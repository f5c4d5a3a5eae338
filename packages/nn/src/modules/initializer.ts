import * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';

/** Uniform draws in (-limit, limit), the same on every engine. */
export function uniformInitializer(shape: readonly number[], limit: number, key: Key): tf.Tensor {
  const stream = key.stream();
  return filled(shape, () => (2 * stream.uniform() - 1) * limit);
}

/** Normal draws of standard deviation `deviation`, the same on every engine. */
export function normalInitializer(shape: readonly number[], deviation: number, key: Key): tf.Tensor {
  const stream = key.stream();
  return filled(shape, () => stream.normal() * deviation);
}

function filled(shape: readonly number[], draw: () => number): tf.Tensor {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < data.length; i++) data[i] = draw();
  return tf.tensor(data, [...shape]);
}
