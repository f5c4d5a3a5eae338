import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from '../ops/fused.ts';

/** Square root of the summed squares of all tensors; 0 of none. */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) return tf.scalar(0);
  if (hasKernel('GlobalNorm')) return runFused('GlobalNorm', { tensors })[0] as tf.Scalar;
  return composedGlobalNorm(tensors);
}

/** {@link globalNorm} from core operations. */
export function composedGlobalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() =>
    tf.sqrt(tf.addN<tf.Scalar>(tensors.map((tensor) => tf.sum<tf.Scalar>(tf.square(tensor))))),
  );
}

/** Factor that brings gradients of norm `norm` down to `limit`, as PyTorch's `clip_grad_norm_` computes it. */
export function clipScale(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
