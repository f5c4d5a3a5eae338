import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handlesOf, none, operation } from '../storage.ts';
import { runKernel } from './gradient.ts';

const step = operation('adamw');

/** The tensors of one optimiser step, in the same order in each list. */
export interface AdamWTensors {
  readonly params: readonly TensorInfo[];
  readonly grads: readonly TensorInfo[];
  readonly firstMoments: readonly TensorInfo[];
  readonly secondMoments: readonly TensorInfo[];
}

/** Settings of one optimiser step; `step` counts from 1, gradients are multiplied by `gradientScale` first. */
export interface AdamWSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly step: number;
  readonly gradientScale: number;
}

/** One AdamW step (Loshchilov and Hutter 2019, as PyTorch orders it), changing parameters and moments in place. */
export const adamWStepKernel = kernel<AdamWTensors, AdamWSettings>('AdamWStep', (tensors, settings) => {
  const lists = [tensors.params, tensors.grads, tensors.firstMoments, tensors.secondMoments].map(handlesOf);
  const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
  none(
    step,
    ...lists,
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    settings.step,
    settings.gradientScale,
  );
  return [];
});

/**
 * Runs `AdamWStep` on the active engine.
 *
 * @example
 * adamWStep({ params, grads, firstMoments, secondMoments }, { learningRate: 1e-3, beta1: 0.9, beta2: 0.999,
 *   epsilon: 1e-8, weightDecay: 0.01, step: 1, gradientScale: 1 });
 */
export function adamWStep(tensors: AdamWTensors, settings: AdamWSettings): void {
  runKernel('AdamWStep', { ...tensors }, settings);
}
