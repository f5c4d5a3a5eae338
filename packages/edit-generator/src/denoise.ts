import * as tf from '@tensorflow/tfjs-core';
import { keyedNormal } from '@thinkrl/nn';
import type { Key, TransitionRule } from '@thinkrl/spec';
import type { Conditioning, EditBackbone } from './backbone.ts';
import type { Sigmas } from './schedule.ts';
import { odeStep, stochasticStep, transitionLogProb, transitionMean } from './transition.ts';

/** A batch of edits on its way from noise to latents. */
export interface Denoising<C extends Conditioning = Conditioning> {
  readonly backbone: EditBackbone<C>;
  readonly conditioning: C;
  readonly sigmas: Sigmas;
  readonly rule: TransitionRule;
  readonly solver: 'euler' | 'heun';
  readonly keys: readonly Key[];
}

/** Where one step leads; `logProb [edits]` is null for a deterministic one. */
export interface DenoisedStep {
  readonly latents: tf.Tensor;
  readonly logProb: tf.Tensor1D | null;
}

/** Takes the stochastic step `index` from `latents`; the noise of edit `i` is `keys[i].fold('step').fold(index)`. */
export function stochasticMove<C extends Conditioning>(
  run: Denoising<C>,
  latents: tf.Tensor,
  index: number,
): DenoisedStep {
  const { backbone, conditioning, sigmas, rule, keys } = run;
  const levels = { sigma: sigmas[index]!, next: sigmas[index + 1]!, second: sigmas[1]! };
  const step = stochasticStep(levels, rule);
  const [to, logProb] = tf.tidy(() => {
    const mean = transitionMean(step, latents, backbone.velocity(latents, levels.sigma, conditioning));
    const noise = keyedNormal(
      keys.map((key) => key.fold('step').fold(index)),
      latents.shape.slice(1),
    );
    const moved = tf.add(mean, tf.mul(noise, step.deviation));
    return [moved, transitionLogProb(step, rule.kind, { mean, to: moved })] as [tf.Tensor, tf.Tensor1D];
  });
  return { latents: to, logProb };
}

/** Takes step `index` of the ODE: Euler, or Heun's second-order step wherever it does not end at noise level 0. */
export function deterministicMove<C extends Conditioning>(
  run: Denoising<C>,
  latents: tf.Tensor,
  index: number,
): DenoisedStep {
  const { backbone, conditioning, sigmas, solver } = run;
  const [sigma, next] = [sigmas[index]!, sigmas[index + 1]!];
  const step = odeStep({ sigma, next });
  const to = tf.tidy(() => {
    const slope = backbone.velocity(latents, sigma, conditioning);
    const euler = transitionMean(step, latents, slope);
    if (solver === 'euler' || next === 0) return euler;
    const average = tf.mul(tf.add(slope, backbone.velocity(euler, next, conditioning)), 0.5);
    return transitionMean(step, latents, average);
  });
  return { latents: to, logProb: null };
}
