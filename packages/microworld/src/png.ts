import type { Image } from '@thinkrl/spec';
import { encode } from 'fast-png';

/** A picture as the bytes of a PNG file, 8 bits per channel; values are clipped to [0, 1]. */
export function encodePng(image: Image): Uint8Array {
  const { width, height } = image;
  const data = Uint8Array.from(image.data, (value) => Math.round(Math.min(1, Math.max(0, value)) * 255));
  return encode({ width, height, data, channels: 3, depth: 8 });
}
