import type { Image } from '@thinkrl/spec';

/** Width and height, pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

const MULTIPLE = 32;

/** The size of about `area` pixels with the sides' ratio of `image`: each side the nearest multiple of 32, half to even. */
export function sizeOfArea({ width, height }: PixelSize, area: number): PixelSize {
  const ratio = width / height;
  const wide = Math.sqrt(area * ratio);
  return { width: nearest(wide), height: nearest(wide / ratio) };
}

/** The largest size within another that divides into packed tokens of 16 pixels. */
export function tokenSize({ width, height }: PixelSize): PixelSize {
  return { width: Math.floor(width / 16) * 16, height: Math.floor(height / 16) * 16 };
}

function nearest(side: number): number {
  const share = side / MULTIPLE;
  const below = Math.floor(share);
  const isHalf = share - below === 0.5;
  return MULTIPLE * Math.max(1, isHalf ? below + (below % 2) : Math.round(share));
}

/** Whether two pictures take the same room. */
export function sameSize(a: Image, b: PixelSize): boolean {
  return a.width === b.width && a.height === b.height;
}
