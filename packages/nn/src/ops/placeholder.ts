import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/**
 * Zeros that take no storage where the engine can spread one number over a shape: the start of a parameter that is to be
 * loaded.
 */
export function placeholder(shape: readonly number[]): tf.Tensor {
  if (!hasKernel('BroadcastTo')) return tf.zeros([...shape]);
  return tf.tidy(() => runFused('BroadcastTo', { x: tf.scalar(0) }, { shape: [...shape] })[0]!);
}
