import * as tf from '@tensorflow/tfjs-core';
import { aggregateTokens, type TokenMean } from './aggregation.ts';
import { klEstimate } from './divergence.ts';
import { GrpoError } from './error.ts';
import { sequenceRatio, tokenRatio } from './ratio.ts';
import { stopGradient } from './stop-gradient.ts';
import { cappedReinforce, clippedSurrogate, softGatedSurrogate } from './surrogate.ts';
import { advantagePerToken, checkTokenBatch, type TokenBatch } from './token-batch.ts';
import {
  type ResolvedTokenObjective,
  resolveTokenObjective,
  type TokenObjective,
} from './token-objective.ts';

/**
 * Token-level GRPO (method section 4): the surrogate of every token plus `beta` times its KL to the reference,
 * less `entropyWeight` times its entropy, averaged as the objective says. Differentiable by whatever `batch.logProbs` was computed from.
 *
 * @throws GrpoError when tensors do not fit, a chain has no token or an advantage is not finite.
 * @throws ConfigError when the objective cannot work.
 * @example
 * const loss = tokenLoss({ logProbs, oldLogProbs, advantages, mask }, { aggregation: 'dapo', epsilonHigh: 0.28 });
 */
export function tokenLoss(batch: TokenBatch, objective: TokenObjective = {}): tf.Scalar {
  const resolved = resolveTokenObjective(objective);
  checkTokenBatch(batch);
  return tf.tidy(() => {
    const mask = tf.cast(batch.mask, 'float32');
    const ratio = importanceRatio(batch, resolved);
    let perToken = surrogate(batch, ratio, resolved);
    if (batch.selection !== undefined) perToken = tf.mul(perToken, tf.cast(batch.selection, 'float32'));
    if (resolved.beta !== 0)
      perToken = tf.add(perToken, tf.mul(divergence(batch, ratio, resolved), resolved.beta));
    if (resolved.entropyWeight !== 0)
      perToken = tf.sub(perToken, tf.mul(entropiesOf(batch), resolved.entropyWeight));
    const mean = tokenMean(resolved.aggregation);
    const loss = aggregateTokens(perToken, mask, mean, resolved);
    return mean === 'dapo' ? loss : tf.div(loss, resolved.accumulationSteps);
  });
}

/** Importance ratio of every token at the level the objective asks for, spread to `[chains, tokens]`. */
function importanceRatio(batch: TokenBatch, objective: ResolvedTokenObjective): tf.Tensor2D {
  const old = batch.oldLogProbs ?? stopGradient(batch.logProbs);
  if (objective.ratio === 'token') return tokenRatio(batch.logProbs, old);
  const ratio = sequenceRatio(batch.logProbs, old, tf.cast(batch.mask, 'float32'));
  return tf.tile(ratio, [1, batch.logProbs.shape[1]]);
}

function surrogate(batch: TokenBatch, ratio: tf.Tensor2D, objective: ResolvedTokenObjective): tf.Tensor2D {
  const advantages = advantagePerToken(batch);
  const { aggregation, epsilonLow, epsilonHigh, delta, gateTemperatures } = objective;
  if (aggregation === 'cispo') return cappedReinforce(ratio, advantages, batch.logProbs, epsilonHigh);
  if (aggregation === 'sapo') return softGatedSurrogate(ratio, advantages, gateTemperatures);
  return clippedSurrogate(ratio, advantages, { low: epsilonLow, high: epsilonHigh, delta });
}

function divergence(batch: TokenBatch, ratio: tf.Tensor2D, objective: ResolvedTokenObjective): tf.Tensor2D {
  if (batch.referenceLogProbs === undefined)
    throw new GrpoError('GRPO_MISSING', {
      field: 'referenceLogProbs',
      found: undefined,
      fix: 'give the reference log-probabilities, or set beta to 0',
    });
  const kl = klEstimate(batch.logProbs, batch.referenceLogProbs, objective.kl);
  return objective.klImportance ? tf.mul(kl, ratio) : kl;
}

function entropiesOf({ entropies }: TokenBatch): tf.Tensor2D {
  if (entropies === undefined)
    throw new GrpoError('GRPO_MISSING', {
      field: 'entropies',
      found: undefined,
      fix: 'give the entropy at each token, or set entropyWeight to 0',
    });
  return entropies;
}

function tokenMean(aggregation: ResolvedTokenObjective['aggregation']): TokenMean {
  if (aggregation === 'cispo') return 'dapo';
  return aggregation === 'sapo' ? 'grpo' : aggregation;
}
