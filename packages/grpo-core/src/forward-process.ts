import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { checkFinite } from './check-finite.ts';
import { checkName } from './check-name.ts';
import { meanOfEach, meanSquareDifference } from './divergence.ts';
import { GrpoError } from './error.ts';
import { stopGradient } from './stop-gradient.ts';

/** Velocities at a noised final latent, and what the edit was worth. */
export interface ForwardStep {
  /** Velocity of the policy in training: `[edits, ...latent]`. */
  readonly velocity: tf.Tensor;
  /** Velocity of the sampling policy, a constant. */
  readonly oldVelocity: tf.Tensor;
  /** `noise - x_0`: what a velocity should be. */
  readonly target: tf.Tensor;
  /** `[edits]`. */
  readonly advantages: tf.Tensor1D;
  /** Noise level of the latent, in (0, 1]; needed for the adaptive weight. */
  readonly sigma?: number | undefined;
}

/** Options of {@link forwardProcessLoss}. */
export interface ForwardObjective {
  /**
   * How far the policy's velocity is mixed into the sampling policy's.
   * @defaultValue 1
   */
  readonly beta?: number;
  /**
   * Advantages of this size and beyond count as certain.
   * @defaultValue 5
   */
  readonly advantageClamp?: number;
  /**
   * `adaptive` divides each squared error by the size of the error in `x_0`, as the paper's code does; `plain` leaves
   * the velocity error as it is.
   * @defaultValue 'plain'
   */
  readonly weighting?: 'plain' | 'adaptive';
}

/**
 * DiffusionNFT (arXiv 2509.16117, eq. 5): learns from final edits by the forward process, without an SDE or
 * log-probabilities. Pulls the velocity toward edits that were better than their group and pushes it from worse ones:
 *
 * `r |v+ - v|^2 + (1 - r) |v- - v|^2` over `beta`, with `v+ = (1 - beta) v_old + beta v_theta`,
 * `v- = (1 + beta) v_old - beta v_theta` and `r = 1/2 + clamp(A / (2 clamp), -1/2, 1/2)`; mean over latent elements,
 * then over edits. The paper's code multiplies the result by the clamp and adds a KL, which is left to the caller.
 *
 * @throws GrpoError when tensors do not fit, or `sigma` is missing for the adaptive weight.
 * @throws ConfigError when the objective cannot work.
 * @example
 * const loss = forwardProcessLoss({ velocity, oldVelocity, target, advantages });
 */
export function forwardProcessLoss(step: ForwardStep, objective: ForwardObjective = {}): tf.Scalar {
  const { beta = 1, advantageClamp = 5, weighting = 'plain' } = objective;
  for (const [field, value] of Object.entries({ beta, advantageClamp }))
    if (!(value > 0)) throw new ConfigError({ field, value, fix: 'use more than 0' });
  checkName('weighting', weighting, ['plain', 'adaptive']);
  checkForwardStep(step);
  return tf.tidy(() => {
    const { velocity, advantages } = step;
    const old = stopGradient(step.oldVelocity);
    const move = tf.mul(tf.sub(velocity, old), beta);
    const share = optimality(advantages, advantageClamp);
    const toward = velocityError(tf.add(old, move), step, weighting);
    const away = velocityError(tf.sub(old, move), step, weighting);
    const perEdit = tf.add(tf.mul(share, toward), tf.mul(tf.sub(1, share), away));
    return tf.div(tf.mean(perEdit), beta);
  });
}

/** Advantage to probability of being a good edit: `1/2 + clamp(A / (2 clamp), -1/2, 1/2)`, `[edits]`. */
export function optimality(advantages: tf.Tensor1D, clamp: number): tf.Tensor1D {
  return tf.add(tf.clipByValue(tf.div(advantages, 2 * clamp), -0.5, 0.5), 0.5);
}

function velocityError(velocity: tf.Tensor, step: ForwardStep, weighting: 'plain' | 'adaptive'): tf.Tensor1D {
  const error = meanSquareDifference(velocity, step.target);
  if (weighting === 'plain') return error;
  const { sigma } = step;
  if (sigma === undefined)
    throw new GrpoError('GRPO_MISSING', {
      field: 'sigma',
      found: sigma,
      fix: 'give it: the adaptive weight needs it',
    });
  const size = stopGradient(tf.mul(meanOfEach(tf.abs(tf.sub(velocity, step.target))), sigma));
  return tf.div(tf.mul(error, sigma * sigma), tf.maximum(size, 1e-5));
}

function checkForwardStep(step: ForwardStep): void {
  const { shape } = step.velocity;
  if (step.velocity.size === 0)
    throw new GrpoError('GRPO_EMPTY', { field: 'velocity', found: shape, fix: 'give at least one edit' });
  for (const field of ['oldVelocity', 'target'] as const)
    if (!tf.util.arraysEqual(step[field].shape, shape))
      throw new GrpoError('GRPO_SHAPE', {
        field,
        found: step[field].shape,
        fix: `give the shape [${shape}]`,
      });
  if (!tf.util.arraysEqual(step.advantages.shape, [shape[0]!]))
    throw new GrpoError('GRPO_SHAPE', {
      field: 'advantages',
      found: step.advantages.shape,
      fix: `give the shape [${shape[0]}]`,
    });
  checkFinite('advantages', step.advantages, { fix: 'advantages are finite numbers' });
  if (step.sigma !== undefined && !(step.sigma > 0 && step.sigma <= 1))
    throw new GrpoError('GRPO_RANGE', {
      field: 'sigma',
      found: String(step.sigma),
      fix: 'give a noise level above 0, at most 1',
    });
}
