import { BroadcastTo, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('expand');

/** A view in which axes of length 1 are repeated. */
export const broadcastTo = kernel<{ x: TensorInfo }, { shape: number[] }>(BroadcastTo, ({ x }, { shape }) =>
  one(native, handleOf(x), shape),
);
