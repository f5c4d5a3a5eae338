import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** Root-mean-square normalisation over the last axis (Zhang and Sennrich 2019): `x [..., size]`, `gain [size]`. */
export function rmsNorm<T extends tf.Tensor>(x: T, gain: tf.Tensor, epsilon = 1e-6): T {
  if (hasKernel('RmsNorm')) return runFused('RmsNorm', { x, gain }, { epsilon })[0] as T;
  return composedRmsNorm(x, gain, epsilon);
}

/** {@link rmsNorm} from core operations. */
export function composedRmsNorm<T extends tf.Tensor>(x: T, gain: tf.Tensor, epsilon = 1e-6): T {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
  return tf.mul(tf.mul(x, scale), gain) as T;
}
