import { LogSoftmax, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('log_softmax');

/** Logarithm of the softmax along an axis. */
export const logSoftmax = kernel<{ logits: TensorInfo }, { axis: number }>(
  LogSoftmax,
  ({ logits }, { axis }) => one(native, handleOf(logits), axis ?? -1),
);
