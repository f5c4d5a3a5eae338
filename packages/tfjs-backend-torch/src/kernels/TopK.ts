import { type TensorInfo, TopK } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, many, operation } from '../storage.ts';

const native = operation('topk');

/** The k largest of the last axis and where they are. */
export const topK = kernel<{ x: TensorInfo }, { k: number; sorted: boolean }>(TopK, ({ x }, { k }) =>
  many(native, handleOf(x), k),
);
