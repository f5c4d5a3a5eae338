import { Softmax, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('softmax');

/** e^x over its sum along an axis. */
export const softmax = kernel<{ logits: TensorInfo }, { dim: number }>(Softmax, ({ logits }, { dim }) =>
  one(native, handleOf(logits), dim ?? -1),
);
