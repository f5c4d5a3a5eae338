import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, maybeHandle, one, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('layer_norm');
const backward = operation('layer_norm_grad');
const alias = operation('alias');

interface LayerNormInputs {
  readonly x: TensorInfo;
  readonly gain?: TensorInfo;
  readonly bias?: TensorInfo;
}

interface LayerNormGradInputs {
  readonly dy: TensorInfo;
  readonly x: TensorInfo;
  readonly y: TensorInfo;
}

/** (x - mean) / sqrt(variance + epsilon) gain + bias over the last axis. x: `[..., n]`; gain, bias: `[n]`, both optional. */
export const layerNorm = kernel<LayerNormInputs, { epsilon?: number }>(
  'LayerNorm',
  ({ x, gain, bias }, attributes) => {
    const epsilon = attributes?.epsilon ?? 1e-5;
    const [y, ...statistics] = many(forward, handleOf(x), maybeHandle(gain), maybeHandle(bias), epsilon);
    return accompany(y!, gain == null ? statistics : [...statistics, one(alias, handleOf(gain))]);
  },
);

/** d(x) of {@link layerNorm}, and d(gain), d(bias) where it had a gain. */
export const layerNormGrad = kernel<LayerNormGradInputs>('LayerNormGrad', ({ dy, x, y }) => {
  const [mean, deviation, gain = -1] = companionsOf(y);
  return many(backward, handleOf(dy), handleOf(x), mean!, deviation!, gain, gain);
});

/** Gradient of {@link layerNorm} for the tape. */
export const layerNormGradient = gradient({
  kernelName: 'LayerNorm',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (slope, saved) => {
    const [x, y] = saved as [Tensor, Tensor];
    const dy = slope as Tensor;
    const part = together(() => runKernel('LayerNormGrad', { dy, x, y }));
    return {
      x: () => part(0),
      gain: () => part(1),
      bias: () => part(2) ?? runKernel('LinearBiasGrad', { dy })[0]!,
    };
  },
});
