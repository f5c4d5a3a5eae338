import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** `none` is the exact form with erf, `tanh` the usual approximation. */
export type GeluApproximation = 'none' | 'tanh';

/** Gaussian error linear unit (Hendrycks and Gimpel 2016), elementwise. */
export function gelu<T extends tf.Tensor>(x: T, approximate: GeluApproximation = 'none'): T {
  if (hasKernel('Gelu')) return runFused('Gelu', { x }, { approximate })[0] as T;
  return composedGelu(x, approximate);
}

/** {@link gelu} from core operations. */
export function composedGelu<T extends tf.Tensor>(x: T, approximate: GeluApproximation = 'none'): T {
  const half = tf.mul(x, 0.5);
  if (approximate === 'none') return tf.mul(half, tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)) as T;
  const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
  return tf.mul(half, tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1)) as T;
}
