import {
  Conv3DBackpropInputV2,
  type Conv3DBackpropInputV2Attrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv_input_grad');

/** Gradient of the 3-D convolution with respect to its input. */
export const conv3DBackpropInputV2 = kernel<
  { dy: TensorInfo; filter: TensorInfo },
  Conv3DBackpropInputV2Attrs
>(Conv3DBackpropInputV2, ({ dy, filter }, attrs) => {
  const geometry = conv3dGeometry(attrs.inputShape, filter.shape, attrs);
  return one(native, handleOf(dy), handleOf(filter), attrs.inputShape, ...geometry);
});
