import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** A copy of `x` with storage of its own; `tf.clone` shares it, which in-place kernels would write through. */
export function copyTensor<T extends tf.Tensor>(x: T): T {
  if (hasKernel('Copy')) return runFused('Copy', { x })[0] as T;
  if (x.dtype === 'bool') return tf.logicalAnd(x, x) as T;
  return tf.mul(x, tf.scalar(1, x.dtype as 'float32')) as T;
}
