import * as tf from '@tensorflow/tfjs-core';

/** Estimators of KL(policy || reference) from samples of the policy (Schulman 2020, "Approximating KL divergence"). */
export type KlEstimator = 'k1' | 'k2' | 'k3';

/**
 * KL(policy || reference) per token from the two log-probabilities of the sampled token, with
 * `d = logp_ref - logp`: `k1 = -d` (unbiased), `k2 = d^2 / 2` (low variance), `k3 = exp(d) - d - 1` (unbiased and
 * never negative; method section 4). Same shape as the inputs.
 */
export function klEstimate<T extends tf.Tensor>(
  logProbs: T,
  referenceLogProbs: T,
  estimator: KlEstimator = 'k3',
): T {
  const d = tf.sub(referenceLogProbs, logProbs);
  if (estimator === 'k1') return tf.neg(d) as T;
  if (estimator === 'k2') return tf.mul(tf.square(d), 0.5) as T;
  return tf.sub(tf.sub(tf.exp(d), d), 1) as T;
}

/**
 * KL between two Gaussian transitions with the same deviation `s`, per latent element:
 * `mean((mu - mu_ref)^2) / (2 s^2)` over all but the batch axis, `[edits, ...]` to `[edits]` (method section 4).
 */
export function gaussianKl(mean: tf.Tensor, referenceMean: tf.Tensor, deviation: number): tf.Tensor1D {
  return tf.mul(meanSquareDifference(mean, referenceMean), 1 / (2 * deviation * deviation)) as tf.Tensor1D;
}

/** `mean((a - b)^2)` over all but the batch axis: `[edits, ...]` to `[edits]`. */
export function meanSquareDifference(a: tf.Tensor, b: tf.Tensor): tf.Tensor1D {
  return meanOfEach(tf.square(tf.sub(a, b)));
}

/** Mean over all but the batch axis: `[edits, ...]` to `[edits]`. */
export function meanOfEach(x: tf.Tensor): tf.Tensor1D {
  return tf.mean(tf.reshape(x, [x.shape[0]!, -1]), 1);
}
