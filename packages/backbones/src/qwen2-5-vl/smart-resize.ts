import { QwenVlInputError } from './error.ts';

/** Height and width, pixels. */
export interface Extent {
  readonly height: number;
  readonly width: number;
}

/** Bounds of {@link smartResize}. */
export interface ResizeBounds {
  /** Both sides become multiples of this. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

/**
 * The size at which the model sees a picture: sides rounded to multiples of `factor` (half to even), then both shrunk or
 * grown where that leaves the bounds on the number of pixels.
 *
 * @throws QwenVlInputError for a side ratio above 200, which the model was not made for.
 * @example
 * smartResize({ height: 384, width: 384 }, { factor: 28, minPixels: 3136, maxPixels: 12845056 }); // 392 x 392
 */
export function smartResize({ height, width }: Extent, bounds: ResizeBounds): Extent {
  const { factor, minPixels, maxPixels } = bounds;
  if (Math.max(height, width) > 200 * Math.min(height, width))
    throw new QwenVlInputError(
      `a picture of ${width} x ${height} pixels is more than 200 times as long as wide`,
    );
  const multiple = (side: number, round: (x: number) => number) => round(side / factor) * factor;
  const near = { height: multiple(height, halfToEven), width: multiple(width, halfToEven) };
  const pixels = near.height * near.width;
  if (pixels > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    const fit = (side: number) => Math.max(factor, multiple(side / shrink, Math.floor));
    return { height: fit(height), width: fit(width) };
  }
  if (pixels < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    return { height: multiple(height * grow, Math.ceil), width: multiple(width * grow, Math.ceil) };
  }
  return near;
}

/** Rounds to the nearest integer, halves to the even one. */
function halfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
