import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handlesOf, none, operation } from '../storage.ts';

const step = operation('ema');

interface EmaInputs {
  readonly averages: readonly TensorInfo[];
  readonly params: readonly TensorInfo[];
}

/** average = decay average + (1 - decay) param, in place. */
export const emaStep = kernel<EmaInputs, { decay: number }>('EmaStep', ({ averages, params }, { decay }) => {
  none(step, handlesOf(averages), handlesOf(params), decay);
  return [];
});
