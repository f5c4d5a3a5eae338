import * as tf from '@tensorflow/tfjs-core';
import { checkFinite } from './check-finite.ts';
import { GrpoError } from './error.ts';

/** Sampled tokens of a batch of chains with what scores them. All of the policy's own are under the tape. */
export interface TokenBatch {
  /** Log-probability of each sampled token under the policy in training, nats: `[chains, tokens]`. */
  readonly logProbs: tf.Tensor2D;
  /**
   * The same under the sampling policy. Left out on policy: the ratio is then exactly 1 and only its gradient counts.
   */
  readonly oldLogProbs?: tf.Tensor2D | undefined;
  /** The same under the reference policy; needed when `beta` is not 0. */
  readonly referenceLogProbs?: tf.Tensor2D | undefined;
  /** Advantage of each chain `[chains]`, or of each token `[chains, tokens]`. */
  readonly advantages: tf.Tensor1D | tf.Tensor2D;
  /** 1 for sampled tokens, 0 for padding and prompt: `[chains, tokens]`, any type. */
  readonly mask: tf.Tensor2D;
  /** 1 where the policy term counts, such as {@link highEntropyTokens}; KL and denominators still use `mask`. */
  readonly selection?: tf.Tensor2D | undefined;
  /** Entropy of the policy at each token, nats: `[chains, tokens]`. For an entropy bonus and the statistics. */
  readonly entropies?: tf.Tensor2D | undefined;
}

/**
 * Checks shapes, that no chain is empty, and that advantages and recorded log-probabilities are finite.
 *
 * @throws GrpoError naming the field.
 */
export function checkTokenBatch(batch: TokenBatch): void {
  const { shape } = batch.logProbs;
  if (shape.length !== 2 || shape[0] === 0 || shape[1] === 0)
    throw new GrpoError('GRPO_EMPTY', {
      field: 'logProbs',
      found: shape,
      fix: 'give log-probabilities [chains, tokens] of at least one token',
    });
  for (const field of ['oldLogProbs', 'referenceLogProbs', 'mask', 'selection', 'entropies'] as const)
    checkShape(field, batch[field], shape);
  if (batch.advantages.rank === 1) checkShape('advantages', batch.advantages, [shape[0]]);
  else checkShape('advantages', batch.advantages, shape);
  checkValues(batch);
}

function checkShape(field: string, tensor: tf.Tensor | undefined, shape: readonly number[]): void {
  if (tensor === undefined || tf.util.arraysEqual(tensor.shape, [...shape])) return;
  throw new GrpoError('GRPO_SHAPE', { field, found: tensor.shape, fix: `give the shape [${shape}]` });
}

function checkValues(batch: TokenBatch): void {
  const tokens = batch.mask.shape[1];
  const mask = batch.mask.dataSync();
  for (let chain = 0; chain < batch.mask.shape[0]; chain++)
    if (!mask.subarray(chain * tokens, (chain + 1) * tokens).some((value) => value !== 0))
      throw new GrpoError('GRPO_EMPTY', {
        field: `mask[${chain}]`,
        found: 0,
        fix: 'leave out chains without a sampled token',
      });
  checkFinite('advantages', batch.advantages, { fix: 'advantages are finite numbers' });
  if (batch.oldLogProbs !== undefined)
    checkFinite('oldLogProbs', batch.oldLogProbs, {
      fix: 'leave out chains whose sampling was not finite',
      mask,
    });
}

/** `advantages` as `[chains, tokens]`. */
export function advantagePerToken(batch: TokenBatch): tf.Tensor2D {
  const { advantages, logProbs } = batch;
  if (advantages.rank === 2) return advantages as tf.Tensor2D;
  return tf.tile(tf.reshape(advantages, [-1, 1]), [1, logProbs.shape[1]]);
}
