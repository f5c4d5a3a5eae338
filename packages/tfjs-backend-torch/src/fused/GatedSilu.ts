import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, many, one, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('gated_silu');
const backward = operation('gated_silu_grad');

interface GatedSiluInputs {
  readonly gate: TensorInfo;
  readonly up: TensorInfo;
}

/** gate sigmoid(gate) up, elementwise: the middle of a gated feed-forward layer (Shazeer 2020). */
export const gatedSilu = kernel<GatedSiluInputs>('GatedSilu', ({ gate, up }) =>
  one(forward, handleOf(gate), handleOf(up)),
);

/** d(gate) and d(up) of {@link gatedSilu}. */
export const gatedSiluGrad = kernel<GatedSiluInputs & { readonly dy: TensorInfo }>(
  'GatedSiluGrad',
  ({ dy, gate, up }) => many(backward, handleOf(gate), handleOf(up), handleOf(dy)),
);

/** Gradient of {@link gatedSilu} for the tape. */
export const gatedSiluGradient = gradient({
  kernelName: 'GatedSilu',
  inputsToSave: ['gate', 'up'],
  gradFunc: (slope, saved) => {
    const [gate, up] = saved as [Tensor, Tensor];
    const part = together(() => runKernel('GatedSiluGrad', { dy: slope as Tensor, gate, up }));
    return { gate: () => part(0), up: () => part(1) };
  },
});
