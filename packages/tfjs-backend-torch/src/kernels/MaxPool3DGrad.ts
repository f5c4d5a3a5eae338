import { MaxPool3DGrad, type MaxPool3DGradAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('max_pool_grad');

/** Gradient: largest of each window, in 3-D. */
export const maxPool3DGrad = kernel<{ dy: TensorInfo; input: TensorInfo }, MaxPool3DGradAttrs>(
  MaxPool3DGrad,
  ({ dy, input }, attrs) => one(native, handleOf(dy), handleOf(input), ...pool3dGeometry(input.shape, attrs)),
);
