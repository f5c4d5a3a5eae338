import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/**
 * `x · weightᵀ + bias`: `x [..., in]`, `weight [out, in]`, `bias [out]` to `[..., out]`.
 *
 * @example
 * const y = linear(tf.ones([2, 3]), tf.ones([4, 3])); // [2, 4] of threes
 */
export function linear<T extends tf.Tensor>(x: T, weight: tf.Tensor, bias?: tf.Tensor): T {
  if (hasKernel('Linear')) return runFused('Linear', { x, weight, bias })[0] as T;
  return composedLinear(x, weight, bias);
}

/** {@link linear} from core operations. */
export function composedLinear<T extends tf.Tensor>(x: T, weight: tf.Tensor, bias?: tf.Tensor): T {
  const outputs = weight.shape[0]!;
  const rows = tf.reshape(x, [-1, weight.shape[1]!]);
  const product = tf.matMul(rows as tf.Tensor2D, weight as tf.Tensor2D, false, true);
  const sum = bias === undefined ? product : tf.add(product, bias);
  return tf.reshape(sum, [...x.shape.slice(0, -1), outputs]) as T;
}
