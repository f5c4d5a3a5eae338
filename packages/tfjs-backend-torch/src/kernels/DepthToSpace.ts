import { DepthToSpace, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('depth_to_space');

/** Channels spread over blocks of pixels. */
export const depthToSpace = kernel<{ x: TensorInfo }, { blockSize: number; dataFormat: 'NHWC' | 'NCHW' }>(
  DepthToSpace,
  ({ x }, { blockSize, dataFormat }) => one(native, handleOf(x), blockSize, dataFormat === 'NHWC'),
);
