import { LeakyRelu, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('leaky_relu');

/** x where positive, alpha x elsewhere. */
export const leakyRelu = kernel<{ x: TensorInfo }, { alpha: number }>(LeakyRelu, ({ x }, { alpha }) =>
  one(native, handleOf(x), alpha),
);
