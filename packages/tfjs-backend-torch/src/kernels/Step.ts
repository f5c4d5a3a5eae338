import { Step, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('step');

/** 1 where x is positive, alpha elsewhere; NaN stays NaN. */
export const step = kernel<{ x: TensorInfo }, { alpha: number }>(Step, ({ x }, { alpha }) =>
  one(native, handleOf(x), alpha),
);
