import { ConfigError } from '@thinkrl/spec';
import type { Pixels } from './pixels.ts';

/** Interpolation kernels by the names that Pillow has for them. */
export type ResampleFilter = 'bilinear' | 'bicubic' | 'lanczos';

/** The size to resample to and the kernel to do it with. */
export interface ResampleOptions {
  readonly width: number;
  readonly height: number;
  readonly filter: ResampleFilter;
}

interface Kernel {
  /** Half of its width at scale 1, source pixels. */
  readonly support: number;
  readonly at: (x: number) => number;
}

const KERNELS: Readonly<Record<ResampleFilter, Kernel>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Keys' kernel with a = -0.5. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Resizes a picture with antialiasing, to the same whole numbers as Pillow: rows first, then columns, each with weights in
 * 22-bit fixed point and rounded to whole numbers.
 *
 * @throws ConfigError when a side is not a positive integer.
 * @example
 * const small = resample(pixels, { width: 64, height: 32, filter: 'bicubic' });
 */
export function resample(pixels: Pixels, { width, height, filter }: ResampleOptions): Pixels {
  for (const [field, value] of Object.entries({ width, height }))
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({ field, value, fix: 'use a positive integer' });
  const wide = width === pixels.width ? pixels : resizeRows(pixels, taps(pixels.width, width, filter));
  return height === wide.height ? wide : resizeColumns(wide, taps(wide.height, height, filter));
}

/** For each output position the first source position it reads and the weights from there on. */
interface Tap {
  readonly first: number;
  readonly weights: Int32Array;
}

const BITS = 22;
const HALF = 2 ** (BITS - 1);

function taps(from: number, to: number, filter: ResampleFilter): readonly Tap[] {
  const kernel = KERNELS[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      kernel.at((k + first - center + 0.5) / stretch),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: Int32Array.from(weights, (weight) => fixedPoint(weight / total)) };
  });
}

function fixedPoint(weight: number): number {
  return Math.trunc(weight * 2 ** BITS + (weight < 0 ? -0.5 : 0.5));
}

function resizeRows({ width, height, data }: Pixels, columns: readonly Tap[]): Pixels {
  const result = new Uint8Array(columns.length * height * 3);
  for (let y = 0; y < height; y++)
    columns.forEach((tap, x) => {
      const source = (y * width + tap.first) * 3;
      blend({ data, source, step: 3, tap }, result, (y * columns.length + x) * 3);
    });
  return { width: columns.length, height, data: result };
}

function resizeColumns({ width, data }: Pixels, rows: readonly Tap[]): Pixels {
  const result = new Uint8Array(width * rows.length * 3);
  rows.forEach((tap, y) => {
    for (let x = 0; x < width; x++)
      blend({ data, source: (tap.first * width + x) * 3, step: width * 3, tap }, result, (y * width + x) * 3);
  });
  return { width, height: rows.length, data: result };
}

interface Line {
  readonly data: Uint8Array;
  /** Where the first source pixel lies. */
  readonly source: number;
  /** From one source pixel to the next. */
  readonly step: number;
  readonly tap: Tap;
}

/** One output pixel, three channels. */
function blend({ data, source, step, tap }: Line, result: Uint8Array, target: number): void {
  const { weights } = tap;
  for (let channel = 0; channel < 3; channel++) {
    let sum = HALF;
    for (let k = 0; k < weights.length; k++) sum += data[source + channel + k * step]! * weights[k]!;
    result[target + channel] = Math.min(255, Math.max(0, sum >> BITS));
  }
}
