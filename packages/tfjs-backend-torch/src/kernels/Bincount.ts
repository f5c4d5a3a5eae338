import { Bincount, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('bincount');

/** How often each integer below size occurs. */
export const bincount = kernel<{ x: TensorInfo; weights: TensorInfo }, { size: number }>(
  Bincount,
  ({ x, weights }, { size }) => one(native, handleOf(x), handleOf(weights), size, false),
);
