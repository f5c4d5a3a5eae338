import {
  DepthwiseConv2dNative,
  type DepthwiseConv2dNativeAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv2dGeometry, inFormat } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv');

/** 2-D convolution of each channel on its own. */
export const depthwiseConv2dNative = kernel<
  { x: TensorInfo; filter: TensorInfo },
  DepthwiseConv2dNativeAttrs
>(DepthwiseConv2dNative, ({ x, filter }, attrs) => {
  const geometry = conv2dGeometry(x.shape, filter.shape, attrs, true);
  return inFormat(attrs.dataFormat, x, (image) =>
    one(native, handleOf(image), handleOf(filter), ...geometry),
  );
});
