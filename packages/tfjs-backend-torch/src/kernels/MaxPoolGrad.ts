import { MaxPoolGrad, type MaxPoolGradAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool2dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('max_pool_grad');

/** Gradient: largest of each window, in 2-D. */
export const maxPoolGrad = kernel<{ dy: TensorInfo; input: TensorInfo }, MaxPoolGradAttrs>(
  MaxPoolGrad,
  ({ dy, input }, attrs) => one(native, handleOf(dy), handleOf(input), ...pool2dGeometry(input.shape, attrs)),
);
