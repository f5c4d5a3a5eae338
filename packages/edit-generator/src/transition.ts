import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type TransitionRule } from '@thinkrl/spec';

/** One step from noise level `sigma` to `next`. */
export interface StepLevels {
  readonly sigma: number;
  readonly next: number;
  /** Second noise level of the schedule, which stands in for `sigma` where that is 1 and the SDE singular. */
  readonly second: number;
}

/** A step whose mean is `latent x + velocity v` and whose noise has standard deviation `deviation`. */
export interface StepCoefficients {
  /** `next - sigma`, negative. */
  readonly dt: number;
  readonly latent: number;
  readonly velocity: number;
  /** Noise level as the process is written: `std` of method section 5. */
  readonly std: number;
  /** Standard deviation of the transition: `std sqrt(-dt)` for the SDE, `std` for CPS, 0 for the ODE. */
  readonly deviation: number;
}

/** Euler step of the ODE: `x' = x + v dt`. */
export function odeStep({ sigma, next }: Pick<StepLevels, 'sigma' | 'next'>): StepCoefficients {
  return { dt: next - sigma, latent: 1, velocity: next - sigma, std: 0, deviation: 0 };
}

/**
 * Reverse SDE step of Flow-GRPO (arXiv 2505.05470, eq. 9; method section 5):
 * `std = eta sqrt(sigma / (1 - sigma_s))`, mean
 * `x (1 + std^2 / (2 sigma) dt) + v (1 + std^2 (1 - sigma) / (2 sigma)) dt`, deviation `std sqrt(-dt)`.
 *
 * Marginals are those of the flow as steps get shorter, but for a first step from `sigma = 1`: its noise does not get
 * weaker with its length and leaves a variance of `1 + eta^4 / 4`.
 */
export function sdeStep({ sigma, next, second }: StepLevels, eta: number): StepCoefficients {
  const dt = next - sigma;
  const std = eta * Math.sqrt(sigma / (1 - (sigma === 1 ? second : sigma)));
  const pull = (std * std) / (2 * sigma);
  return {
    dt,
    latent: 1 + pull * dt,
    velocity: (1 + pull * (1 - sigma)) * dt,
    std,
    deviation: std * Math.sqrt(-dt),
  };
}

/**
 * Coefficient-preserving sampling (arXiv 2509.05952; method section 5): `std = sigma' sin(eta pi / 2)`, mean
 * `(x - sigma v) (1 - sigma') + (x + (1 - sigma) v) sqrt(sigma'^2 - std^2)`.
 *
 * It keeps the coefficients of picture and noise, not the spread of the pictures: marginals are those of the flow only
 * where edits have no spread, or as `eta^2` falls with the length of the step.
 */
export function cpsStep({ sigma, next }: StepLevels, eta: number): StepCoefficients {
  const std = next * Math.sin((eta * Math.PI) / 2);
  const rest = Math.sqrt(next * next - std * std);
  return {
    dt: next - sigma,
    latent: 1 - next + rest,
    velocity: (1 - sigma) * rest - sigma * (1 - next),
    std,
    deviation: std,
  };
}

/**
 * Coefficients of a stochastic step under `rule`.
 *
 * @throws ConfigError when the noise level cannot be used.
 */
export function stochasticStep(levels: StepLevels, rule: TransitionRule): StepCoefficients {
  return rule.kind === 'sde' ? sdeStep(levels, rule.eta) : cpsStep(levels, rule.eta);
}

/** Throws ConfigError unless `eta` is a usable noise level: at least 0, and at most 1 for CPS. */
export function checkRule({ kind, eta }: TransitionRule): void {
  if (kind !== 'sde' && kind !== 'cps')
    throw new ConfigError({ field: 'transition', value: kind, fix: 'use "sde" or "cps"' });
  if (!Number.isFinite(eta) || eta < 0 || (kind === 'cps' && eta > 1))
    throw new ConfigError({ field: 'eta', value: eta, fix: 'use at least 0, and at most 1 with cps' });
}

/** Mean of a step: `latent x + velocity v`, `[edits, ...latent]`. */
export function transitionMean(step: StepCoefficients, latents: tf.Tensor, velocity: tf.Tensor): tf.Tensor {
  const moved = tf.mul(velocity, step.velocity);
  return tf.add(step.latent === 1 ? latents : tf.mul(latents, step.latent), moved);
}

/**
 * Log-probability of `to` under a stochastic step with the given mean, mean over latent elements: `[edits]`.
 *
 * For the SDE that of the Gaussian, `-(x' - mean)^2 / (2 s^2) - log s - log sqrt(2 pi)`; for CPS, as in Flow-GRPO,
 * `-(x' - mean)^2` alone.
 */
export function transitionLogProb(
  step: StepCoefficients,
  kind: TransitionRule['kind'],
  { mean, to }: { readonly mean: tf.Tensor; readonly to: tf.Tensor },
): tf.Tensor1D {
  const squares = tf.mean(tf.reshape(tf.square(tf.sub(to, mean)), [to.shape[0]!, -1]), 1) as tf.Tensor1D;
  if (kind === 'cps') return tf.neg(squares);
  const constant = Math.log(step.deviation) + 0.5 * Math.log(2 * Math.PI);
  return tf.sub(tf.mul(squares, -0.5 / (step.deviation * step.deviation)), constant);
}

/** The forward process `(1 - sigma) x_0 + sigma noise`. */
export function addNoise(latents: tf.Tensor, noise: tf.Tensor, sigma: number): tf.Tensor {
  return tf.add(tf.mul(latents, 1 - sigma), tf.mul(noise, sigma));
}
