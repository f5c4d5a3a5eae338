import { Reverse, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('flip');

/** x with some axes running backwards. */
export const reverse = withStrings(
  kernel<{ x: TensorInfo }, { dims: number | number[] }>(Reverse, ({ x }, { dims }) =>
    one(native, handleOf(x), util.parseAxisParam(dims, x.shape)),
  ),
);
