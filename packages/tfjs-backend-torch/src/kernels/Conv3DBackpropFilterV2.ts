import {
  Conv3DBackpropFilterV2,
  type Conv3DBackpropFilterV2Attrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv_filter_grad');

/** Gradient of the 3-D convolution with respect to its filter. */
export const conv3DBackpropFilterV2 = kernel<{ x: TensorInfo; dy: TensorInfo }, Conv3DBackpropFilterV2Attrs>(
  Conv3DBackpropFilterV2,
  ({ x, dy }, attrs) => {
    const geometry = conv3dGeometry(x.shape, attrs.filterShape, attrs);
    return one(native, handleOf(x), handleOf(dy), attrs.filterShape, ...geometry);
  },
);
