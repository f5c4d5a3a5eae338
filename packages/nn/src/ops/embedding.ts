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

/** {@link embedding} from core operations; its gradient is a product where the engine has no sum by segment. */
export function composedEmbedding(weight: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  if (hasKernel('UnsortedSegmentSum')) return tf.gather(weight, ids as tf.Tensor1D);
  const [vocabulary, size] = weight.shape;
  const looked = tf.customGrad((table, save) => {
    (save as tf.GradSaveFunc)([ids]);
    const gradFunc = (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
      const chosen = tf.cast(tf.oneHot(tf.reshape(saved!, [-1]) as tf.Tensor1D, vocabulary), 'float32');
      return tf.matMul(chosen as tf.Tensor2D, tf.reshape(dy, [-1, size]) as tf.Tensor2D, true);
    };
    return { value: tf.gather(table as tf.Tensor2D, ids as tf.Tensor1D) as tf.Tensor, gradFunc };
  });
  return looked(weight);
}
