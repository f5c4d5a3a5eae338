import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/**
 * Rows of `weight [vocabulary, size]` at `ids` (int32, any shape): `[...ids.shape, size]`. Its gradient adds up the rows
 * that share an id.
 */
export function embedding(weight: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  if (hasKernel('Embedding')) return runFused('Embedding', { weight, ids })[0]!;
  return composedEmbedding(weight, ids);
}

/** {@link embedding} from core operations. */
export function composedEmbedding(weight: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  return tf.gather(weight, ids as tf.Tensor1D);
}
