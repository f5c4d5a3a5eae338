import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handlesOf, one, operation } from '../storage.ts';

const norm = operation('global_norm');

/** Euclidean norm over all elements of all tensors, as a scalar. */
export const globalNorm = kernel<{ tensors: readonly TensorInfo[] }>('GlobalNorm', ({ tensors }) =>
  one(norm, handlesOf(tensors)),
);
