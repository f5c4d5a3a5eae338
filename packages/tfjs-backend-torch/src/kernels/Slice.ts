import { Slice, slice_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('slice');

/** A view of a box of x. */
export const slice = withStrings(
  kernel<{ x: TensorInfo }, { begin: number | number[]; size: number | number[] }>(
    Slice,
    ({ x }, { begin, size }) => {
      const [from, length] = slice_util.parseSliceParams(x, begin, size);
      slice_util.assertParamsValid(x, from!, length!);
      return one(native, handleOf(x), from!, length!);
    },
  ),
);
