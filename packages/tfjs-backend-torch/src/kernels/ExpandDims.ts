import { ExpandDims, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('reshape');

/** A view with one more axis of length 1. */
export const expandDims = withStrings(
  kernel<{ input: TensorInfo }, { dim: number }>(ExpandDims, ({ input }, { dim }) => {
    const shape = input.shape.slice();
    util.assert(
      -(shape.length + 1) <= dim && dim <= shape.length,
      () => `Axis must be in [-${shape.length + 1}, ${shape.length}]`,
    );
    shape.splice(dim < 0 ? shape.length + dim + 1 : dim, 0, 1);
    return one(native, handleOf(input), shape);
  }),
);
