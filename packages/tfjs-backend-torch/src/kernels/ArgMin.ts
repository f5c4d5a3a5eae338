import { ArgMin, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('argmin');

/** Index of the first smallest along an axis. */
export const argMin = kernel<{ x: TensorInfo }, { axis: number }>(ArgMin, ({ x }, { axis }) => {
  const [along] = util.parseAxisParam(axis, x.shape);
  return one(native, handleOf(x), along!);
});
