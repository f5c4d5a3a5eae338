import { Conv3D, type Conv3DAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv');

/** 3-D convolution. */
export const conv3D = kernel<{ x: TensorInfo; filter: TensorInfo }, Conv3DAttrs>(
  Conv3D,
  ({ x, filter }, attrs) =>
    one(native, handleOf(x), handleOf(filter), ...conv3dGeometry(x.shape, filter.shape, attrs)),
);
