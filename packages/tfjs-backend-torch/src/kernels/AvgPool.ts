import { AvgPool, type AvgPoolAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool2dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('average_pool');

/** Mean of each window, in 2-D. */
export const avgPool = kernel<{ x: TensorInfo }, AvgPoolAttrs>(AvgPool, ({ x }, attrs) =>
  one(native, handleOf(x), ...pool2dGeometry(x.shape, attrs)),
);
