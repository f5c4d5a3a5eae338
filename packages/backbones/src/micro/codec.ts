import type { ImageCodec } from '@thinkrl/edit-generator';
import { imageOfCells } from '@thinkrl/microworld';
import type { Image } from '@thinkrl/spec';
import { PICTURE_NUMBERS, pictureTensor } from './picture.ts';

/** The micro editor's latents are its pictures cell by cell, `[images, 16, 192]`, values in [-1, 1]; nothing is lost. */
export const microCodec: ImageCodec = {
  encode: (images) => pictureTensor(images),

  async decode(latents) {
    const numbers = unitNumbers(await latents.data());
    return Array.from(
      { length: latents.shape[0]! },
      (_, index): Image => imageOfCells(numbers, index * PICTURE_NUMBERS),
    );
  },
};

/** `[-1, 1]` to `[0, 1]`, clipped. A plain loop: `Float32Array.from` takes 35 times as long. */
function unitNumbers(values: ArrayLike<number>): Float32Array {
  const numbers = new Float32Array(values.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = Math.min(1, Math.max(0, (values[i]! + 1) / 2));
  return numbers;
}
