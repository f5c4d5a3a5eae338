import * as tf from '@tensorflow/tfjs-core';

/** Rows of `weight [vocabulary, size]` at `ids` (int32, any shape): `[...ids.shape, size]`. */
export function embedding(weight: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  return tf.gather(weight, ids as tf.Tensor1D);
}
