import { type KernelConfig, Max, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation, share } from '../storage.ts';

const native = operation('max');

/** The largest. */
export const max: KernelConfig = kernel<
  { x: TensorInfo },
  { reductionIndices: number | number[]; keepDims: boolean }
>(Max, ({ x }, { reductionIndices, keepDims }) => {
  const axes = util.parseAxisParam(reductionIndices, x.shape);
  return axes.length === 0 ? share(x) : one(native, handleOf(x), axes, keepDims === true);
});
