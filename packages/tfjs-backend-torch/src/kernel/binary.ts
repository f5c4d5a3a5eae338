import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { handleOf, one, operation } from '../storage.ts';
import { kernel } from './config.ts';

/** A kernel `{a, b} -> c` of the broadcast shape, done by one native operation. */
export function binary(kernelName: string, nativeName: string): KernelConfig {
  const native = operation(nativeName);
  return kernel<{ a: TensorInfo; b: TensorInfo }>(kernelName, ({ a, b }) =>
    one(native, handleOf(a), handleOf(b)),
  );
}
