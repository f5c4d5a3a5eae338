import type { Image } from '@thinkrl/spec';
import { imageOf, pixelsOf } from './pixels.ts';

/**
 * Reads a picture file (PNG, JPEG, WebP, AVIF, TIFF, GIF), turned the way its EXIF data say. Transparency is dropped, not
 * blended, as Pillow's conversion to RGB does.
 *
 * @example
 * const image = await readImage('cat.png');
 */
export async function readImage(path: string): Promise<Image> {
  const sharp = await loadSharp();
  const picture = sharp(path).autoOrient().toColorspace('srgb').removeAlpha();
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return imageOf({ width: info.width, height: info.height, data });
}

/** Writes a picture file; its type goes by the ending of `path`. */
export async function writeImage(path: string, image: Image): Promise<void> {
  const { width, height, data } = pixelsOf(image);
  const sharp = await loadSharp();
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path);
}

/** The image library, which only picture files need; without it the models still work. */
async function loadSharp() {
  return (await import('sharp')).default;
}
