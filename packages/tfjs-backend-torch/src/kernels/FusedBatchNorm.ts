import { FusedBatchNorm, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, maybeHandle, one, operation } from '../storage.ts';

const native = operation('batch_norm');

/** (x - mean) / sqrt(variance + epsilon) scale + offset. */
export const fusedBatchNorm = kernel<
  { x: TensorInfo; mean: TensorInfo; variance: TensorInfo; offset?: TensorInfo; scale?: TensorInfo },
  { varianceEpsilon?: number }
>(FusedBatchNorm, ({ x, mean, variance, offset, scale }, { varianceEpsilon }) =>
  one(
    native,
    handleOf(x),
    handleOf(mean),
    handleOf(variance),
    maybeHandle(offset),
    maybeHandle(scale),
    varianceEpsilon ?? 0.001,
  ),
);
