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

/**
 * The sum of squares of all tensors as two numbers to be added: where the engine can, with the digits of a double, so that
 * sums of parts held apart come to what the whole would.
 */
export function squaredNorm(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  if (tensors.length > 0 && hasKernel('SquaredNorm'))
    return runFused('SquaredNorm', { tensors })[0] as tf.Tensor1D;
  return tf.tidy(() => tf.stack([tf.square(globalNorm(tensors)), tf.scalar(0)]) as tf.Tensor1D);
}

/** Gradients brought down to a limit, and their norm before. */
export interface ClippedTensors {
  readonly norm: tf.Scalar;
  readonly tensors: readonly tf.Tensor[];
}

/**
 * The global norm of `tensors` and each of them times `min(1, limit / (norm + 1e-6))`, in one call where the engine has it;
 * as they are where the norm is not finite.
 */
export function clipGlobalNorm(tensors: readonly tf.Tensor[], limit: number): ClippedTensors {
  if (!hasKernel('ClipGlobalNorm') || tensors.length === 0) return composedClipGlobalNorm(tensors, limit);
  const [norm, ...clipped] = runFused('ClipGlobalNorm', { tensors }, { limit });
  return { norm: norm as tf.Scalar, tensors: clipped };
}

/** {@link clipGlobalNorm} from core operations. */
export function composedClipGlobalNorm(tensors: readonly tf.Tensor[], limit: number): ClippedTensors {
  const norm = tensors.length === 0 ? tf.scalar(0) : composedGlobalNorm(tensors);
  const clipped = tf.tidy(() => {
    const scale = tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)));
    const factor = tf.where(tf.isFinite(norm), scale, tf.onesLike(scale));
    return tensors.map((tensor) => tf.mul(tensor, factor));
  });
  return { norm, tensors: clipped };
}

/** Factor that brings gradients of norm `norm` down to `limit`, as PyTorch's `clip_grad_norm_` computes it. */
export function clipScale(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
