import {
  DepthwiseConv2dNativeBackpropInput,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv2dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv_input_grad');

/** Gradient of the depthwise convolution with respect to its input. */
export const depthwiseConv2dNativeBackpropInput = kernel<
  { dy: TensorInfo; filter: TensorInfo },
  DepthwiseConv2dNativeBackpropInputAttrs
>(DepthwiseConv2dNativeBackpropInput, ({ dy, filter }, attrs) =>
  one(
    native,
    handleOf(dy),
    handleOf(filter),
    attrs.inputShape,
    ...conv2dGeometry(attrs.inputShape, filter.shape, attrs, true),
  ),
);
