import {
  FusedDepthwiseConv2D,
  type FusedDepthwiseConv2DAttrs,
  type FusedDepthwiseConv2DInputs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { epilogue } from '../kernel/activation.ts';
import { kernel } from '../kernel/config.ts';
import { depthwiseConv2dNative } from './DepthwiseConv2dNative.ts';

/** Depthwise convolution, bias and activation. */
export const fusedDepthwiseConv2D = kernel<FusedDepthwiseConv2DInputs, FusedDepthwiseConv2DAttrs>(
  FusedDepthwiseConv2D,
  (inputs, attrs) => {
    const { x, filter } = inputs;
    const product = depthwiseConv2dNative.kernelFunc({
      inputs: { x, filter },
      attrs: attrs as never,
      backend: {},
    }) as TensorInfo;
    return epilogue(product, inputs, attrs);
  },
);
