import { type TensorInfo, Transpose } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('permute');

/** A view with the axes in another order. */
export const transpose = withStrings(
  kernel<{ x: TensorInfo }, { perm: number[] }>(Transpose, ({ x }, { perm }) =>
    one(native, handleOf(x), perm),
  ),
);
