import type { Image } from '@thinkrl/spec';
import { encode } from 'fast-png';

/**
 * A picture as the PNG data URL that OpenAI-compatible servers take. A picture longer than `longestSide` is shrunk to
 * it, each new pixel the mean of those it covers. Equal pictures give equal bytes, so that a server's image cache works.
 */
export function pictureUrl(image: Image, longestSide: number): string {
  const { width, height, data } = shrink(image, longestSide);
  const bytes = Uint8Array.from(data, (value) => Math.round(Math.min(1, Math.max(0, value)) * 255));
  const png = encode({ width, height, data: bytes, channels: 3, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

/** The picture with no side longer than `longestSide`, its shape kept; the very same object where it already fits. */
export function shrink(image: Image, longestSide: number): Image {
  const scale = longestSide / Math.max(image.width, image.height);
  if (scale >= 1) return image;
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const columns = spans(image.width, width);
  const data = new Float32Array(width * height * 3);
  spans(image.height, height).forEach((rows, y) => {
    columns.forEach((across, x) => {
      for (let channel = 0; channel < 3; channel++)
        data[(y * width + x) * 3 + channel] = boxMean(image, { rows, across, channel });
    });
  });
  return { width, height, data };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Box {
  readonly rows: Span;
  readonly across: Span;
  readonly channel: number;
}

/** `count` neighbouring spans of whole pixels that cover `length`. */
function spans(length: number, count: number): readonly Span[] {
  return Array.from({ length: count }, (_, i) => ({
    from: Math.floor((i * length) / count),
    to: Math.floor(((i + 1) * length) / count),
  }));
}

function boxMean({ width, data }: Image, { rows, across, channel }: Box): number {
  let sum = 0;
  for (let y = rows.from; y < rows.to; y++)
    for (let x = across.from; x < across.to; x++) sum += data[(y * width + x) * 3 + channel]!;
  return sum / ((rows.to - rows.from) * (across.to - across.from));
}
