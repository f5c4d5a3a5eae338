import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('upsample');
const backward = operation('upsample_grad');

interface UpsampleAttributes {
  /** Height and width of the result. */
  readonly size: readonly [number, number];
  readonly mode: 'nearest' | 'bilinear';
}

interface UpsampleGradAttributes extends UpsampleAttributes {
  /** Shape of the images. */
  readonly shape: number[];
}

/** Images `[batch, height, width, channels]` resized as PyTorch's `interpolate` does without aligned corners. */
export const upsample = kernel<{ x: TensorInfo }, UpsampleAttributes>('Upsample', ({ x }, { size, mode }) =>
  one(forward, handleOf(x), size, mode === 'bilinear'),
);

/** d(x) of {@link upsample}. */
export const upsampleGrad = kernel<{ dy: TensorInfo }, UpsampleGradAttributes>(
  'UpsampleGrad',
  ({ dy }, { shape, mode }) => one(backward, handleOf(dy), shape, mode === 'bilinear'),
);

/** Gradient of {@link upsample} for the tape. */
export const upsampleGradient = gradient({
  kernelName: 'Upsample',
  inputsToSave: ['x'],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [x] = saved as [Tensor];
    const all = { ...attributes, shape: x.shape };
    return { x: () => runKernel('UpsampleGrad', { dy: slope as Tensor }, all)[0]! };
  },
});
