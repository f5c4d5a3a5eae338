import type { NetworkTensor } from '@thinkrl/onnx';
import type { Image } from '@thinkrl/spec';

/** A rectangle in a picture, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Settings of {@link pictureTensor}. */
export interface PictureTensorOptions {
  /** Size that the network takes, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The part of the picture to show; default all of it. */
  readonly box?: Box;
  /** Taken off each channel, in the network's order; default 0. */
  readonly mean?: readonly [number, number, number];
  /** Then divided by; default 1. */
  readonly deviation?: readonly [number, number, number];
  /** Order of the channels; default `rgb`. */
  readonly order?: 'rgb' | 'bgr';
}

/** A picture as networks take it: `[1, 3, height, width]`, resized, channels scaled. */
export function pictureTensor(image: Image, options: PictureTensorOptions): NetworkTensor {
  const { width, height, mean = [0, 0, 0], deviation = [1, 1, 1], order = 'rgb' } = options;
  const box = options.box ?? { x: 0, y: 0, width: image.width, height: image.height };
  const rows = taps({ from: box.y, extent: box.height, limit: image.height }, height);
  const columns = taps({ from: box.x, extent: box.width, limit: image.width }, width);
  const data = new Float32Array(3 * width * height);
  const line = new Float32Array(image.width * 3);
  for (let y = 0; y < height; y++) {
    mixRows(image, rows[y]!, line);
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++) {
        const source = order === 'rgb' ? channel : 2 - channel;
        const value = mixColumn(line, columns[x]!, source);
        data[(channel * height + y) * width + x] = (value - mean[channel]!) / deviation[channel]!;
      }
  }
  return { data, dims: [1, 3, height, width] };
}

/** Which neighbouring pixels one resized pixel is mixed from, and their weights, which sum to 1. */
interface Tap {
  readonly first: number;
  readonly weights: readonly number[];
}

interface Extent {
  readonly from: number;
  readonly extent: number;
  /** Pixels that there are. */
  readonly limit: number;
}

/** A triangle around each new pixel: linear interpolation where the picture grows, an average where it shrinks. */
function taps({ from, extent, limit }: Extent, count: number): readonly Tap[] {
  const step = extent / count;
  const reach = Math.max(1, step);
  return Array.from({ length: count }, (_, i) => {
    const centre = Math.min(limit - 0.5, Math.max(0.5, from + (i + 0.5) * step)) - 0.5;
    const first = Math.max(0, Math.ceil(centre - reach));
    const last = Math.min(limit - 1, Math.floor(centre + reach));
    const raw = Array.from({ length: last - first + 1 }, (_, k) => 1 - Math.abs(first + k - centre) / reach);
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

function mixRows({ width, data }: Image, { first, weights }: Tap, line: Float32Array): void {
  line.fill(0);
  weights.forEach((weight, k) => {
    const start = (first + k) * width * 3;
    for (let i = 0; i < line.length; i++) line[i] = line[i]! + weight * data[start + i]!;
  });
}

function mixColumn(line: Float32Array, { first, weights }: Tap, channel: number): number {
  let value = 0;
  for (let k = 0; k < weights.length; k++) value += weights[k]! * line[(first + k) * 3 + channel]!;
  return value;
}
