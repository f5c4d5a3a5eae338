import * as tf from '@tensorflow/tfjs-core';
import { stopGradient } from './stop-gradient.ts';

/** Ratios in `[1 - low, 1 + high]` are left as they are. */
export interface ClipRange {
  readonly low: number;
  readonly high: number;
}

/**
 * The clipped surrogate as a loss, `-min(rho A, clip(rho, 1 - low, 1 + high) A)`, elementwise (method section 4).
 *
 * `ratio` and `advantages` have the same shape. With `delta` the unclipped term uses `min(rho, delta)`, which bounds
 * the loss for negative advantages too (two-sided clipping, arXiv 2505.07291).
 */
export function clippedSurrogate<T extends tf.Tensor>(
  ratio: T,
  advantages: T,
  clip: ClipRange & { readonly delta?: number | undefined },
): T {
  const capped = clip.delta === undefined ? ratio : tf.clipByValue(ratio, 0, clip.delta);
  const unclipped = tf.mul(capped, advantages);
  const clipped = tf.mul(tf.clipByValue(ratio, 1 - clip.low, 1 + clip.high), advantages);
  return tf.neg(tf.minimum(unclipped, clipped)) as T;
}

/**
 * CISPO: REINFORCE weighted by the capped ratio, which gets no gradient: `-sg(min(rho, cap)) A logp`, elementwise
 * (MiniMax-M1, arXiv 2506.13585, eq. 4).
 */
export function cappedReinforce<T extends tf.Tensor>(ratio: T, advantages: T, logProbs: T, cap: number): T {
  const weight = stopGradient(tf.clipByValue(ratio, 0, cap));
  return tf.neg(tf.mul(tf.mul(weight, advantages), logProbs)) as T;
}

/** Temperatures of the soft gate, by the sign of the advantage. */
export interface GateTemperatures {
  readonly positive: number;
  readonly negative: number;
}

/**
 * SAPO: a smooth gate instead of a clip, `-(4 / tau) sigmoid(tau (rho - 1)) A`, elementwise; `tau` goes by the sign
 * of the advantage (arXiv 2511.20347).
 */
export function softGatedSurrogate<T extends tf.Tensor>(
  ratio: T,
  advantages: T,
  temperatures: GateTemperatures,
): T {
  const positive = tf.cast(tf.greater(advantages, 0), 'float32');
  const spread = temperatures.positive - temperatures.negative;
  const tau = tf.add(tf.mul(positive, spread), temperatures.negative);
  const gate = tf.div(tf.mul(tf.sigmoid(tf.mul(tau, tf.sub(ratio, 1))), 4), tau);
  return tf.neg(tf.mul(gate, advantages)) as T;
}
