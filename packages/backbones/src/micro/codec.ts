import type { ImageCodec } from '@thinkrl/edit-generator';
import { imageOfCells } from '@thinkrl/microworld';
import type { Image } from '@thinkrl/spec';
import { PICTURE_NUMBERS, pictureTensor } from './picture.ts';

/** The micro editor's latents are its pictures cell by cell, `[images, 16, 192]`, values in [-1, 1]; nothing is lost. */
export const microCodec: ImageCodec = {
  encode: (images) => pictureTensor(images),

  async decode(latents) {
    const numbers = Float32Array.from(await latents.data(), toUnit);
    return Array.from(
      { length: latents.shape[0]! },
      (_, index): Image => imageOfCells(numbers, index * PICTURE_NUMBERS),
    );
  },
};

function toUnit(value: number): number {
  return Math.min(1, Math.max(0, (value + 1) / 2));
}
