import * as tf from '@tensorflow/tfjs-core';

/** Which probabilities an importance ratio compares: those of each token (GRPO) or of the sequence (GSPO). */
export type RatioLevel = 'token' | 'sequence';

/** Importance ratio of every token, `exp(logp - logp_old)`: `[chains, tokens]` (method section 4). */
export function tokenRatio(logProbs: tf.Tensor2D, oldLogProbs: tf.Tensor2D): tf.Tensor2D {
  return tf.exp(tf.sub<tf.Tensor2D>(logProbs, oldLogProbs));
}

/**
 * Importance ratio of every sequence, its length normalised out: `exp(mean_t (logp - logp_old))` over the masked
 * tokens, `[chains, 1]` (GSPO, arXiv 2507.18071, eq. 7).
 */
export function sequenceRatio(
  logProbs: tf.Tensor2D,
  oldLogProbs: tf.Tensor2D,
  mask: tf.Tensor2D,
): tf.Tensor2D {
  const total = tf.sum(tf.mul(tf.sub(logProbs, oldLogProbs), mask), 1, true);
  return tf.exp(tf.div<tf.Tensor2D>(total, tf.sum(mask, 1, true)));
}
