import { type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { handleOf, one, operation, share } from '../storage.ts';
import { kernel } from './config.ts';

interface Scan {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

/** A running sum or product along one axis. */
export function scan(kernelName: string, nativeName: string): KernelConfig {
  const native = operation(nativeName);
  return kernel<{ x: TensorInfo }, Scan>(kernelName, ({ x }, { axis, exclusive, reverse }) => {
    if (x.shape.length === 0) return share(x);
    const [along] = util.parseAxisParam(axis, x.shape);
    return one(native, handleOf(x), along!, exclusive === true, reverse === true);
  });
}
