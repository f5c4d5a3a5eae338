import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('silu');
const backward = operation('silu_grad');

/** x sigmoid(x). */
export const silu = kernel<{ x: TensorInfo }>('Silu', ({ x }) => one(forward, handleOf(x)));

/** d(x) of {@link silu}. */
export const siluGrad = kernel<{ dy: TensorInfo; x: TensorInfo }>('SiluGrad', ({ dy, x }) =>
  one(backward, handleOf(dy), handleOf(x)),
);

/** Gradient of {@link silu} for the tape. */
export const siluGradient = gradient({
  kernelName: 'Silu',
  inputsToSave: ['x'],
  gradFunc: (slope, saved) => {
    const [x] = saved as [Tensor];
    return { x: () => runKernel('SiluGrad', { dy: slope as Tensor, x })[0]! };
  },
});
