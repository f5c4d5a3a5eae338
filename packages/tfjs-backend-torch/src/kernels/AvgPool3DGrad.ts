import { AvgPool3DGrad, type AvgPool3DGradAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('average_pool_grad');

/** Gradient: mean of each window, in 3-D. */
export const avgPool3DGrad = kernel<{ dy: TensorInfo; input: TensorInfo }, AvgPool3DGradAttrs>(
  AvgPool3DGrad,
  ({ dy, input }, attrs) => one(native, handleOf(dy), handleOf(input), ...pool3dGeometry(input.shape, attrs)),
);
