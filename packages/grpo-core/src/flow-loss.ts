import * as tf from '@tensorflow/tfjs-core';
import { gaussianKl, meanSquareDifference } from './divergence.ts';
import { type FlowObjective, type ResolvedFlowObjective, resolveFlowObjective } from './flow-objective.ts';
import { checkFlowStep, type FlowStep, required } from './flow-step.ts';
import { stopGradient } from './stop-gradient.ts';
import { clippedSurrogate } from './surrogate.ts';

/**
 * Flow-level GRPO of one SDE step (method section 4; Flow-GRPO, arXiv 2505.05470): the clipped surrogate on the
 * transition's log-probability plus `beta` times its closed-form KL to the reference, averaged over edits.
 * Differentiable by whatever `logProb` and `mean` were computed from.
 *
 * @throws GrpoError when tensors do not fit, one that the objective needs is missing, or an advantage is not finite.
 * @throws ConfigError when the objective cannot work.
 * @example
 * const loss = flowLoss({ logProb, oldLogProb, advantages }, { clip: 1e-3 });
 */
export function flowLoss(step: FlowStep, objective: FlowObjective = {}): tf.Scalar {
  const resolved = resolveFlowObjective(objective);
  checkFlowStep(step);
  return tf.tidy(() => {
    const advantages = clampAdvantages(step.advantages, resolved.advantageClamp);
    const ratio = resolved.guard ? guardedRatio(step) : flowRatio(step);
    const range = { low: resolved.clip, high: resolved.clipHigh };
    const surrogate = clippedSurrogate(ratio, advantages, range);
    const dt = resolved.guard ? required(step, 'dt', 'the guard') : -1;
    let perEdit = tf.div(surrogate, -dt);
    if (resolved.beta !== 0)
      perEdit = tf.add(perEdit, tf.mul(flowKl(step, resolved.varianceOf), resolved.beta));
    return tf.div(tf.sum(perEdit), resolved.edits ?? step.logProb.shape[0]);
  });
}

/** Importance ratio of every transition, `exp(logp - logp_old)`: `[edits]`. */
export function flowRatio(step: FlowStep): tf.Tensor1D {
  return tf.exp(logRatio(step));
}

/**
 * Ratio normalised over steps (GRPO-Guard, arXiv 2510.22319, eq. 8): the log-ratio gets back its negative mean
 * `mean((mu - mu_old)^2) / (2 s^2)` and is multiplied by the transition's deviation `s`, so that clipping acts alike
 * at every noise level: `[edits]`. The loss is then divided by `|dt|`.
 */
export function guardedRatio(step: FlowStep): tf.Tensor1D {
  const mean = required(step, 'mean', 'the guard');
  const deviation = required(step, 'deviation', 'the guard');
  const oldMean = step.oldLogProb === undefined ? stopGradient(mean) : required(step, 'oldMean', 'the guard');
  const bias = tf.mul(meanSquareDifference(mean, oldMean), 1 / (2 * deviation * deviation));
  return tf.exp(tf.mul<tf.Tensor1D>(tf.add(logRatio(step), bias), deviation));
}

/** Advantages clamped to `[-limit, limit]`. */
function clampAdvantages(advantages: tf.Tensor1D, limit: number): tf.Tensor1D {
  return tf.clipByValue(advantages, -limit, limit);
}

/** KL to the reference per edit and latent element: `[edits]`; see {@link FlowObjective.varianceOf}. */
export function flowKl(
  step: FlowStep,
  varianceOf: ResolvedFlowObjective['varianceOf'] = 'transition',
): tf.Tensor1D {
  const scale = varianceOf === 'transition' ? 'deviation' : 'std';
  const mean = required(step, 'mean', 'the KL');
  return gaussianKl(mean, required(step, 'referenceMean', 'the KL'), required(step, scale, 'the KL'));
}

function logRatio(step: FlowStep): tf.Tensor1D {
  return tf.sub(step.logProb, step.oldLogProb ?? stopGradient(step.logProb));
}
