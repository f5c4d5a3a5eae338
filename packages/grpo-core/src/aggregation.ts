import * as tf from '@tensorflow/tfjs-core';

/**
 * How a loss per token becomes one number.
 *
 * `grpo`: mean over the tokens of a chain, then over chains. `bnpo`: mean over all active tokens of the batch.
 * `dr_grpo`: sum over tokens / (chains * longest possible chain). `dapo`: sum over tokens / active tokens of the whole
 * optimiser step.
 */
export type TokenMean = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';

/** Counts that reach beyond the tensors of one batch; each defaults to what the batch itself holds. */
export interface AggregationCounts {
  /** Chains to divide by: set it to the group's size to count left-out samples as zeros. `grpo`, `dr_grpo`. */
  readonly chains?: number | undefined;
  /** Active tokens of the whole optimiser step, per process. `dapo`. */
  readonly activeTokens?: number | undefined;
  /** Longest chain that could have been sampled, tokens. `dr_grpo`. */
  readonly maximumTokens?: number | undefined;
}

/**
 * Reduces `perToken [chains, tokens]` over the tokens with `mask` 1 (method section 4, aggregations).
 *
 * @example
 * // Two chains of 1 and 3 tokens: grpo weighs chains alike, bnpo weighs tokens alike.
 * aggregateTokens(perToken, mask, 'bnpo');
 */
export function aggregateTokens(
  perToken: tf.Tensor2D,
  mask: tf.Tensor2D,
  mean: TokenMean,
  counts: AggregationCounts = {},
): tf.Scalar {
  const masked = tf.mul(perToken, mask);
  const chains = counts.chains ?? mask.shape[0];
  switch (mean) {
    case 'grpo':
      return tf.div(tf.sum(tf.div(tf.sum(masked, 1), tf.sum(mask, 1))), chains);
    case 'bnpo':
      return tf.div(tf.sum(masked), tf.sum(mask));
    case 'dr_grpo':
      return tf.div(tf.sum(masked), chains * (counts.maximumTokens ?? mask.shape[1]));
    case 'dapo':
      return tf.div(tf.sum(masked), counts.activeTokens ?? tf.sum(mask));
  }
}
