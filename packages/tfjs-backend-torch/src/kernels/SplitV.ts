import { backend_util, SplitV, type Tensor, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, many, operation } from '../storage.ts';

const native = operation('split');

/** Views of consecutive pieces of an axis. */
export const splitV = withStrings(
  kernel<{ x: TensorInfo }, { numOrSizeSplits: number[] | number; axis: number }>(
    SplitV,
    ({ x }, { numOrSizeSplits, axis }) => {
      const [along] = util.parseAxisParam(axis, x.shape);
      const sizes = backend_util.prepareSplitSize(x as Tensor, numOrSizeSplits, along!);
      return many(native, handleOf(x), sizes, along!);
    },
  ),
);
