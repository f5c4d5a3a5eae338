import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { handleOf, one, operation } from '../storage.ts';
import { kernel } from './config.ts';

/** A kernel `{x} -> y` of x's shape, done by one native operation. */
export function unary(kernelName: string, nativeName: string): KernelConfig {
  const native = operation(nativeName);
  return kernel<{ x: TensorInfo }>(kernelName, ({ x }) => one(native, handleOf(x)));
}
