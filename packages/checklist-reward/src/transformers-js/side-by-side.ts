import type { Image } from '@thinkrl/spec';

/** Pixels of grey between two pictures. */
const GAP = 8;
const GREY = 0.5;

/** Pictures next to each other on grey, tops aligned, for models that take one picture at a time. */
export function sideBySide(images: readonly Image[]): Image {
  const height = Math.max(...images.map((image) => image.height));
  const width = images.reduce((sum, image) => sum + image.width + GAP, -GAP);
  const data = new Float32Array(width * height * 3).fill(GREY);
  let left = 0;
  for (const image of images) {
    for (let y = 0; y < image.height; y++)
      data.set(image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3), (y * width + left) * 3);
    left += image.width + GAP;
  }
  return { width, height, data };
}
