import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';
import type { Affine } from './layer-norm.ts';

/** How {@link groupNorm} cuts the channels. */
export interface GroupNormOptions {
  /** Divides the number of channels. */
  readonly groups: number;
  /** Added to the variance; 1e-5 unless given. */
  readonly epsilon?: number;
}

/**
 * Group normalisation (Wu and He 2018, biased variance) over all places and the channels of a group: `x [batch, ...,
 * channels]`, `gain` and `bias` `[channels]`.
 *
 * @example
 * const y = groupNorm(x, { gain, bias }, { groups: 32 });
 */
export function groupNorm<T extends tf.Tensor>(x: T, affine: Affine, options: GroupNormOptions): T {
  if (!hasKernel('GroupNorm')) return composedGroupNorm(x, affine, options);
  const { groups, epsilon = 1e-5 } = options;
  return runFused('GroupNorm', { x, ...affine }, { groups, epsilon })[0] as T;
}

/** {@link groupNorm} from core operations. */
export function composedGroupNorm<T extends tf.Tensor>(x: T, affine: Affine, options: GroupNormOptions): T {
  const { groups, epsilon = 1e-5 } = options;
  const channels = x.shape[x.rank - 1]!;
  const parts = tf.reshape(x, [x.shape[0]!, -1, groups, channels / groups]);
  const centred = tf.sub(parts, tf.mean(parts, [1, 3], true));
  const variance = tf.mean(tf.square(centred), [1, 3], true);
  let y: tf.Tensor = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), x.shape);
  if (affine.gain !== undefined) y = tf.mul(y, affine.gain);
  if (affine.bias !== undefined) y = tf.add(y, affine.bias);
  return y as T;
}
