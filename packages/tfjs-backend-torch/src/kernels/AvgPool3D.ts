import { AvgPool3D, type AvgPool3DAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('average_pool');

/** Mean of each window, in 3-D. */
export const avgPool3D = kernel<{ x: TensorInfo }, AvgPool3DAttrs>(AvgPool3D, ({ x }, attrs) =>
  one(native, handleOf(x), ...pool3dGeometry(x.shape, attrs)),
);
