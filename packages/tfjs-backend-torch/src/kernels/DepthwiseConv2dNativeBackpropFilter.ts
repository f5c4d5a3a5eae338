import {
  DepthwiseConv2dNativeBackpropFilter,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv2dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv_filter_grad');

/** Gradient of the depthwise convolution with respect to its filter. */
export const depthwiseConv2dNativeBackpropFilter = kernel<
  { x: TensorInfo; dy: TensorInfo },
  DepthwiseConv2dNativeBackpropFilterAttrs
>(DepthwiseConv2dNativeBackpropFilter, ({ x, dy }, attrs) =>
  one(
    native,
    handleOf(x),
    handleOf(dy),
    attrs.filterShape,
    ...conv2dGeometry(x.shape, attrs.filterShape, attrs, true),
  ),
);
