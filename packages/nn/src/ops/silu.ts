import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** `x · sigmoid(x)`, elementwise. */
export function silu<T extends tf.Tensor>(x: T): T {
  if (hasKernel('Silu')) return runFused('Silu', { x })[0] as T;
  return composedSilu(x);
}

/** {@link silu} from core operations. */
export function composedSilu<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x)) as T;
}
