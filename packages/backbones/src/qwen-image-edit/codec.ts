import * as tf from '@tensorflow/tfjs-core';
import type { ImageCodec } from '@thinkrl/edit-generator';
import type { Image } from '@thinkrl/spec';
import { QwenImageInputError } from './error.ts';
import { packLatents, unpackLatents } from './packing.ts';
import { pixelsPerLatent } from './vae/config.ts';
import type { QwenImageVae, Tiling } from './vae/vae.ts';

/** Tiles of the released pipeline. */
export const RELEASED_TILING: Tiling = { size: 256, stride: 192 };

/**
 * The autoencoder as a codec of packed latents `[images, height / 16, width / 16, 64]`. Pictures are decoded one by one.
 *
 * @example
 * const codec = qwenImageCodec(vae);
 */
export function qwenImageCodec(vae: QwenImageVae, tiling?: Tiling): ImageCodec {
  return {
    encode: (images) => encodeImages(vae, images, tiling),
    decode: async (latents) => {
      const images: Image[] = [];
      for (let row = 0; row < latents.shape[0]!; row++)
        images.push(await decodeImage(vae, tf.slice(latents, [row], [1]) as tf.Tensor4D, tiling));
      return images;
    },
  };
}

/** Packed latents of pictures of one size. Throws {@link QwenImageInputError} unless sides are multiples of 16. */
export function encodeImages(vae: QwenImageVae, images: readonly Image[], tiling?: Tiling): tf.Tensor4D {
  const first = images[0];
  const multiple = 2 * pixelsPerLatent(vae.config);
  for (const { width, height } of images)
    if (
      width % multiple !== 0 ||
      height % multiple !== 0 ||
      width !== first!.width ||
      height !== first!.height
    )
      throw new QwenImageInputError(
        `a picture is ${width} x ${height}: encode pictures of one size with sides that are multiples of ${multiple}`,
      );
  if (first === undefined) throw new QwenImageInputError('there is no picture to encode');
  return tf.tidy(() => {
    const rows = images.map(({ data, height, width }) => tf.tensor3d(data.slice(), [height, width, 3]));
    const pixels = tf.sub(tf.mul(tf.stack(rows), 2), 1) as tf.Tensor4D;
    return packLatents(vae.encode(pixels, tiling));
  });
}

/** The picture of one row of packed latents, which is released. */
async function decodeImage(vae: QwenImageVae, latents: tf.Tensor4D, tiling?: Tiling): Promise<Image> {
  const pixels = tf.tidy(() =>
    tf.clipByValue(tf.add(tf.mul(vae.decode(unpackLatents(latents), tiling), 0.5), 0.5), 0, 1),
  );
  latents.dispose();
  const [, height, width] = pixels.shape as [number, number, number];
  const data = await pixels.data<'float32'>();
  pixels.dispose();
  return { width, height, data };
}
