import { Prelu, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('prelu');

/** x where not negative, alpha x elsewhere. */
export const prelu = kernel<{ x: TensorInfo; alpha: TensorInfo }>(Prelu, ({ x, alpha }) =>
  one(native, handleOf(x), handleOf(alpha)),
);
