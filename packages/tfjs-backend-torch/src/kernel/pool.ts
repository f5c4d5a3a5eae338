import { type KernelConfig, type MaxPoolAttrs, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { handleOf, one, operation, share } from '../storage.ts';
import { kernel } from './config.ts';
import { isTrivialPool, pool2dGeometry } from './geometry.ts';

/** A 2-D pooling kernel over `[batch, height, width, channel]`. */
export function pool(kernelName: string, nativeName: string): KernelConfig {
  const native = operation(nativeName);
  return kernel<{ x: TensorInfo }, MaxPoolAttrs>(kernelName, ({ x }, attrs) => {
    util.assert(x.shape.length === 4, () => `${kernelName} takes rank 4, got ${x.shape.length}`);
    return isTrivialPool(x.shape, attrs)
      ? share(x)
      : one(native, handleOf(x), ...pool2dGeometry(x.shape, attrs));
  });
}
