import { Reshape, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('reshape');

/** The same values in another shape; a view where strides allow. */
export const reshape = withStrings(
  kernel<{ x: TensorInfo }, { shape: number[] }>(Reshape, ({ x }, { shape }) => {
    const size = util.sizeFromShape(x.shape);
    const target = util.inferFromImplicitShape(shape, size);
    util.assert(
      size === util.sizeFromShape(target),
      () => `The new shape (${target}) has another number of elements than the old shape (${x.shape}).`,
    );
    return one(native, handleOf(x), target);
  }),
);
