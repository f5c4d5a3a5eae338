import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { type Argument, handleOf, maybeHandle, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('convolution');
const inputGrad = operation('convolution_input_grad');
const weightGrad = operation('convolution_weight_grad');

interface ConvolutionInputs {
  readonly x: TensorInfo;
  readonly weight: TensorInfo;
  readonly bias?: TensorInfo;
}

/** One entry per spatial axis; without padding, stride 1 and dilation 1 unless given. */
interface ConvolutionAttributes {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Zeros before each axis. */
  readonly before?: readonly number[];
  /** Zeros after each axis. */
  readonly after?: readonly number[];
  readonly groups?: number;
}

interface ShapedAttributes extends ConvolutionAttributes {
  /** Shape of what the gradient is by. */
  readonly shape: number[];
}

function geometry(spatial: number, attributes: ConvolutionAttributes | undefined): Argument[] {
  const { strides, dilations, before, after, groups = 1 } = attributes ?? {};
  const each = (value: number) => new Array<number>(Math.max(0, spatial)).fill(value);
  return [strides ?? each(1), dilations ?? each(1), before ?? each(0), after ?? each(0), groups];
}

/**
 * Convolution over one, two or three spatial axes. x: `[batch, ...spatial, in]`, weight: `[out, in / groups, ...kernel]`,
 * bias: `[out]`; y: `[batch, ...spatial, out]`.
 */
export const convolution = kernel<ConvolutionInputs, ConvolutionAttributes>(
  'Convolution',
  ({ x, weight, bias }, attributes) => {
    const tensors = [handleOf(x), handleOf(weight), maybeHandle(bias)];
    return one(forward, ...tensors, ...geometry(x.shape.length - 2, attributes));
  },
);

/** d(x) of {@link convolution}. */
export const convolutionInputGrad = kernel<{ dy: TensorInfo; weight: TensorInfo }, ShapedAttributes>(
  'ConvolutionInputGrad',
  ({ dy, weight }, attributes) => {
    const { shape } = attributes;
    return one(inputGrad, handleOf(dy), handleOf(weight), shape, ...geometry(shape.length - 2, attributes));
  },
);

/** d(weight) of {@link convolution}. */
export const convolutionWeightGrad = kernel<{ x: TensorInfo; dy: TensorInfo }, ShapedAttributes>(
  'ConvolutionWeightGrad',
  ({ x, dy }, attributes) => {
    const { shape } = attributes;
    return one(weightGrad, handleOf(x), handleOf(dy), shape, ...geometry(shape.length - 2, attributes));
  },
);

/** Gradient of {@link convolution} for the tape. */
export const convolutionGradient = gradient({
  kernelName: 'Convolution',
  inputsToSave: ['x', 'weight'],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [x, weight] = saved as [Tensor, Tensor];
    const dy = slope as Tensor;
    const by = ({ shape }: Tensor) => ({ ...attributes, shape });
    return {
      x: () => runKernel('ConvolutionInputGrad', { dy, weight }, by(x))[0]!,
      weight: () => runKernel('ConvolutionWeightGrad', { x, dy }, by(weight))[0]!,
      bias: () => runKernel('LinearBiasGrad', { dy })[0]!,
    };
  },
});
