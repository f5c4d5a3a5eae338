import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, maybeHandle, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('linear');
const inputGrad = operation('linear_input_grad');
const weightGrad = operation('linear_weight_grad');
const biasGrad = operation('linear_bias_grad');

interface LinearInputs {
  readonly x: TensorInfo;
  readonly weight: TensorInfo;
  readonly bias?: TensorInfo;
}

/** y = x weight^T + bias. x: `[..., in]`, weight: `[out, in]`, bias: `[out]`; y: `[..., out]`. */
export const linear = kernel<LinearInputs>('Linear', ({ x, weight, bias }) =>
  one(forward, handleOf(x), handleOf(weight), maybeHandle(bias)),
);

/** d(x) of {@link linear}. */
export const linearInputGrad = kernel<{ dy: TensorInfo; weight: TensorInfo }>(
  'LinearInputGrad',
  ({ dy, weight }) => one(inputGrad, handleOf(dy), handleOf(weight)),
);

/** d(weight) of {@link linear}. */
export const linearWeightGrad = kernel<{ dy: TensorInfo; x: TensorInfo }>('LinearWeightGrad', ({ dy, x }) =>
  one(weightGrad, handleOf(dy), handleOf(x)),
);

/** d(bias) of {@link linear}: the sum of dy over all but the last axis. */
export const linearBiasGrad = kernel<{ dy: TensorInfo }>('LinearBiasGrad', ({ dy }) =>
  one(biasGrad, handleOf(dy)),
);

/** Gradient of {@link linear} for the tape. */
export const linearGradient = gradient({
  kernelName: 'Linear',
  inputsToSave: ['x', 'weight'],
  gradFunc: (slope, saved) => {
    const [x, weight] = saved as [Tensor, Tensor];
    const dy = slope as Tensor;
    return {
      x: () => runKernel('LinearInputGrad', { dy, weight })[0]!,
      weight: () => runKernel('LinearWeightGrad', { dy, x })[0]!,
      bias: () => runKernel('LinearBiasGrad', { dy })[0]!,
    };
  },
});
