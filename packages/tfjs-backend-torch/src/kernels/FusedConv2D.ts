import {
  FusedConv2D,
  type FusedConv2DAttrs,
  type FusedConv2DInputs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { epilogue } from '../kernel/activation.ts';
import { kernel } from '../kernel/config.ts';
import { conv2D } from './Conv2D.ts';

/** 2-D convolution, bias and activation. */
export const fusedConv2D = kernel<FusedConv2DInputs, FusedConv2DAttrs>(FusedConv2D, (inputs, attrs) => {
  const { x, filter } = inputs;
  const product = conv2D.kernelFunc({
    inputs: { x, filter },
    attrs: attrs as never,
    backend: {},
  }) as TensorInfo;
  return epilogue(product, inputs, attrs);
});
