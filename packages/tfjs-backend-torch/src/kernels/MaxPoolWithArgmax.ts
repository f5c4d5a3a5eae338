import { MaxPoolWithArgmax, type MaxPoolWithArgmaxAttrs, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { pool2dGeometry } from '../kernel/geometry.ts';
import { handleOf, many, operation } from '../storage.ts';

const native = operation('max_pool_argmax');

/** Largest of each window and its flat place. */
export const maxPoolWithArgmax = kernel<{ x: TensorInfo }, MaxPoolWithArgmaxAttrs>(
  MaxPoolWithArgmax,
  ({ x }, attrs) => {
    util.assert(x.shape.length === 4, () => `${MaxPoolWithArgmax} takes rank 4, got ${x.shape.length}`);
    return many(native, handleOf(x), ...pool2dGeometry(x.shape, attrs), attrs.includeBatchInIndex);
  },
);
