import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('rms_norm');
const backward = operation('rms_norm_grad');

interface RmsNormGradInputs {
  readonly dy: TensorInfo;
  readonly x: TensorInfo;
  readonly gain: TensorInfo;
  readonly y: TensorInfo;
}

/** x / sqrt(mean(x^2) + epsilon) gain over the last axis. x: `[..., n]`, gain: `[n]`. */
export const rmsNorm = kernel<{ x: TensorInfo; gain: TensorInfo }, { epsilon?: number }>(
  'RmsNorm',
  ({ x, gain }, attributes) => {
    const [y, ...statistics] = many(forward, handleOf(x), handleOf(gain), attributes?.epsilon ?? 1e-6);
    return accompany(y!, statistics);
  },
);

/** d(x) and d(gain) of {@link rmsNorm}. */
export const rmsNormGrad = kernel<RmsNormGradInputs>('RmsNormGrad', ({ dy, x, gain, y }) => {
  const [deviation] = companionsOf(y);
  return many(backward, handleOf(dy), handleOf(x), deviation!, handleOf(gain));
});

/** Gradient of {@link rmsNorm} for the tape. */
export const rmsNormGradient = gradient({
  kernelName: 'RmsNorm',
  inputsToSave: ['x', 'gain'],
  outputsToSave: [true],
  gradFunc: (slope, saved) => {
    const [x, gain, y] = saved as [Tensor, Tensor, Tensor];
    const part = together(() => runKernel('RmsNormGrad', { dy: slope as Tensor, x, gain, y }));
    return { x: () => part(0), gain: () => part(1) };
  },
});
