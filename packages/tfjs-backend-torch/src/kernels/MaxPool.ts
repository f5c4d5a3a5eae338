import { MaxPool, type MaxPoolAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool2dGeometry } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('max_pool');

/** Largest of each window, in 2-D. */
export const maxPool = kernel<{ x: TensorInfo }, MaxPoolAttrs>(MaxPool, ({ x }, attrs) =>
  one(native, handleOf(x), ...pool2dGeometry(x.shape, attrs)),
);
