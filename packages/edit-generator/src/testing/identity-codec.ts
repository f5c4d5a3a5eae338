import * as tf from '@tensorflow/tfjs-core';
import type { Image } from '@thinkrl/spec';
import type { ImageCodec } from '../backbone.ts';

/** Pictures of one size as a tensor: `[images, height, width, 3]`. */
export function imageTensor(images: readonly Image[]): tf.Tensor {
  const { width, height } = images[0]!;
  const data = new Float32Array(images.length * height * width * 3);
  images.forEach((image, row) => {
    data.set(image.data, row * height * width * 3);
  });
  return tf.tensor(data, [images.length, height, width, 3]);
}

/** A codec whose latents are the pictures themselves: `[images, height, width, 3]`. */
export const identityCodec: ImageCodec = {
  encode: imageTensor,
  async decode(latents) {
    const [count, height, width] = latents.shape as [number, number, number, number];
    const data = Float32Array.from(await latents.data(), (value) => Math.min(1, Math.max(0, value)));
    const size = height * width * 3;
    return Array.from({ length: count }, (_, i) => ({
      width,
      height,
      data: data.slice(i * size, (i + 1) * size),
    }));
  },
};
