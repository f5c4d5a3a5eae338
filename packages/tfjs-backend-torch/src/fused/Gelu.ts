import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('gelu');
const backward = operation('gelu_grad');

interface GeluAttributes {
  readonly approximate?: 'none' | 'tanh';
}

/** x times the normal distribution function of x, exactly (`none`) or by its tanh approximation. */
export const gelu = kernel<{ x: TensorInfo }, GeluAttributes>('Gelu', ({ x }, attributes) =>
  one(forward, handleOf(x), attributes?.approximate === 'tanh'),
);

/** d(x) of {@link gelu}. */
export const geluGrad = kernel<{ dy: TensorInfo; x: TensorInfo }, GeluAttributes>(
  'GeluGrad',
  ({ dy, x }, attributes) => one(backward, handleOf(dy), handleOf(x), attributes?.approximate === 'tanh'),
);

/** Gradient of {@link gelu} for the tape. */
export const geluGradient = gradient({
  kernelName: 'Gelu',
  inputsToSave: ['x'],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [x] = saved as [Tensor];
    return { x: () => runKernel('GeluGrad', { dy: slope as Tensor, x }, attributes)[0]! };
  },
});
