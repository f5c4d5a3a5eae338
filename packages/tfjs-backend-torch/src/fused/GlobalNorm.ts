import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handlesOf, many, one, operation } from '../storage.ts';

const norm = operation('global_norm');
const squares = operation('squared_norm');
const clip = operation('clip_norm');

interface NormInputs {
  readonly tensors: readonly TensorInfo[];
}

/** Euclidean norm over all elements of all tensors, as a scalar. */
export const globalNorm = kernel<NormInputs>('GlobalNorm', ({ tensors }) => one(norm, handlesOf(tensors)));

/** The sum of squares of all elements as `[2]`: a float32, and what it leaves of a double. */
export const squaredNorm = kernel<NormInputs>('SquaredNorm', ({ tensors }) =>
  one(squares, handlesOf(tensors)),
);

/**
 * The norm of {@link globalNorm}, then each tensor times `min(1, limit / (norm + 1e-6))`; the tensors themselves where
 * that is 1 or the norm is not finite.
 */
export const clipGlobalNorm = kernel<NormInputs, { limit: number }>(
  'ClipGlobalNorm',
  ({ tensors }, { limit }) => many(clip, handlesOf(tensors), limit),
);
