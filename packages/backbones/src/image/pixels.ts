import type { Image } from '@thinkrl/spec';

/** A picture in whole numbers from 0 to 255, the way image files hold it: RGB, interleaved, row-major. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The nearest whole numbers of a picture with values in [0, 1]. */
export function pixelsOf({ width, height, data }: Image): Pixels {
  const bytes = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) bytes[i] = Math.round(Math.min(1, Math.max(0, data[i]!)) * 255);
  return { width, height, data: bytes };
}

/** A picture with values in [0, 1]. */
export function imageOf({ width, height, data }: Pixels): Image {
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) values[i] = data[i]! / 255;
  return { width, height, data: values };
}
