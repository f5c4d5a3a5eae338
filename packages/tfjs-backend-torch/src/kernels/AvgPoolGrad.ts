import { AvgPoolGrad, type AvgPoolGradAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool2dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('average_pool_grad');

/** Gradient: mean of each window, in 2-D. */
export const avgPoolGrad = kernel<{ dy: TensorInfo; input: TensorInfo }, AvgPoolGradAttrs>(
  AvgPoolGrad,
  ({ dy, input }, attrs) => one(native, handleOf(dy), handleOf(input), ...pool2dGeometry(input.shape, attrs)),
);
