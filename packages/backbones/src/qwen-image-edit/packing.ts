import * as tf from '@tensorflow/tfjs-core';

/**
 * Latents `[batch, height, width, channels]` as tokens of 2 x 2 places, `[batch, height / 2, width / 2, 4 channels]`; the
 * numbers of a token go by channel, then row, then column.
 */
export function packLatents(latents: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = latents.shape;
  const apart = tf.reshape(latents, [batch, height / 2, 2, width / 2, 2, channels]);
  const shape: [number, number, number, number] = [batch, height / 2, width / 2, 4 * channels];
  return tf.reshape(tf.transpose(apart, [0, 1, 3, 5, 2, 4]), shape);
}

/** Undoes {@link packLatents}. */
export function unpackLatents(tokens: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, numbers] = tokens.shape;
  const apart = tf.reshape(tokens, [batch, height, width, numbers / 4, 2, 2]);
  const shape: [number, number, number, number] = [batch, 2 * height, 2 * width, numbers / 4];
  return tf.reshape(tf.transpose(apart, [0, 1, 4, 2, 5, 3]), shape);
}
