import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** Scale and shift of a normalisation, each broadcastable along the last axis `[size]`. */
export interface Affine {
  readonly gain?: tf.Tensor | undefined;
  readonly bias?: tf.Tensor | undefined;
}

/**
 * Layer normalisation over the last axis (Ba et al. 2016, biased variance): `x [..., size]`, `gain` and `bias` `[size]`.
 *
 * @example
 * const y = layerNorm(x, { gain, bias }, 1e-5);
 */
export function layerNorm<T extends tf.Tensor>(x: T, affine: Affine = {}, epsilon = 1e-5): T {
  if (hasKernel('LayerNorm')) return runFused('LayerNorm', { x, ...affine }, { epsilon })[0] as T;
  return composedLayerNorm(x, affine, epsilon);
}

/** {@link layerNorm} from core operations. */
export function composedLayerNorm<T extends tf.Tensor>(x: T, affine: Affine = {}, epsilon = 1e-5): T {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  let y = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
  if (affine.gain !== undefined) y = tf.mul(y, affine.gain);
  if (affine.bias !== undefined) y = tf.add(y, affine.bias);
  return y as T;
}
