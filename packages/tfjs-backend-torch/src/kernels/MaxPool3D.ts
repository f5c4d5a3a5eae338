import { MaxPool3D, type MaxPool3DAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool3dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('max_pool');

/** Largest of each window, in 3-D. */
export const maxPool3D = kernel<{ x: TensorInfo }, MaxPool3DAttrs>(MaxPool3D, ({ x }, attrs) =>
  one(native, handleOf(x), ...pool3dGeometry(x.shape, attrs)),
);
