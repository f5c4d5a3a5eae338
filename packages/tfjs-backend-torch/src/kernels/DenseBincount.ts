import { DenseBincount, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('bincount');

/** How often each integer below size occurs, per row. */
export const denseBincount = kernel<
  { x: TensorInfo; weights: TensorInfo },
  { size: number; binaryOutput?: boolean }
>(DenseBincount, ({ x, weights }, { size, binaryOutput }) =>
  one(native, handleOf(x), handleOf(weights), size, binaryOutput === true),
);
