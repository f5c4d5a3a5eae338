import { type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { handleOf, one, operation, share } from '../storage.ts';
import { kernel } from './config.ts';

interface Reduced {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/** A kernel that folds the axes of x away (or to length 1); no axes at all leaves x as it is. */
export function reduction(kernelName: string, nativeName: string): KernelConfig {
  const native = operation(nativeName);
  return kernel<{ x: TensorInfo }, Reduced>(kernelName, ({ x }, { axis, keepDims }) => {
    const axes = util.parseAxisParam(axis, x.shape);
    return axes.length === 0 ? share(x) : one(native, handleOf(x), axes, keepDims === true);
  });
}
