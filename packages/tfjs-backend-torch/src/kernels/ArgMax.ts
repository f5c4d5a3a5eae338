import { ArgMax, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('argmax');

/** Index of the first largest along an axis. */
export const argMax = kernel<{ x: TensorInfo }, { axis: number }>(ArgMax, ({ x }, { axis }) => {
  const [along] = util.parseAxisParam(axis, x.shape);
  return one(native, handleOf(x), along!);
});
