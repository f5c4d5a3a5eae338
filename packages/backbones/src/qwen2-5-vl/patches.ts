import type { Image } from '@thinkrl/spec';
import { type Pixels, pixelsOf, resample } from '../image/index.ts';
import { type ResizeBounds, smartResize } from './smart-resize.ts';

/** Rows and columns of patches of one picture; `frames` is 1 for a still one. */
export interface PatchGrid {
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
}

/** Pictures cut into patches, side by side. */
export interface Patches {
  /** `[patches, numbers]`, row-major: cells of 2 x 2 patches in reading order, numbers as (channel, time, y, x). */
  readonly data: Float32Array;
  readonly numbers: number;
  readonly grids: readonly PatchGrid[];
}

/** How pictures become patches; what `preprocessor_config.json` says. */
export interface PatchOptions extends Omit<ResizeBounds, 'factor'> {
  /** Side of a patch, pixels. */
  readonly patch: number;
  /** Patches along the side of a merged cell. */
  readonly merge: number;
  /** Frames that one patch spans; a still picture is repeated over them. */
  readonly temporalPatch: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Values of the released processor. */
export const RELEASED_PATCHES: PatchOptions = {
  patch: 14,
  merge: 2,
  temporalPatch: 2,
  minPixels: 3136,
  maxPixels: 12845056,
  mean: [0.48145466, 0.4578275, 0.40821073],
  deviation: [0.26862954, 0.26130258, 0.27577711],
};

/** Tokens of the language model that a picture takes. */
export function cellsOf({ frames, rows, columns }: PatchGrid, merge: number): number {
  return (frames * rows * columns) / merge ** 2;
}

/**
 * Resizes pictures (bicubic), normalises their colours and cuts them into patches.
 *
 * @throws QwenVlInputError for a picture that is too long for its width.
 * @example
 * const { data, grids } = patchesOf([image]);
 */
export function patchesOf(images: readonly Image[], options: PatchOptions = RELEASED_PATCHES): Patches {
  const sized = images.map((image) => resizedPixels(pixelsOf(image), options));
  const { patch, temporalPatch } = options;
  const numbers = 3 * temporalPatch * patch ** 2;
  const grids = sized.map(
    ({ width, height }): PatchGrid => ({ frames: 1, rows: height / patch, columns: width / patch }),
  );
  const data = new Float32Array(grids.reduce((sum, { rows, columns }) => sum + rows * columns, 0) * numbers);
  let offset = 0;
  for (const pixels of sized) {
    writePatches(pixels, data.subarray(offset), options);
    offset += (pixels.width * pixels.height * numbers) / patch ** 2;
  }
  return { data, numbers, grids };
}

/** A picture at the size at which the model sees it. */
export function resizedPixels(pixels: Pixels, { patch, merge, minPixels, maxPixels }: PatchOptions): Pixels {
  const extent = smartResize(pixels, { factor: patch * merge, minPixels, maxPixels });
  return resample(pixels, { ...extent, filter: 'bicubic' });
}

function writePatches(pixels: Pixels, target: Float32Array, options: PatchOptions): void {
  const { patch, merge } = options;
  const colours = colourTables(options);
  const [cellRows, cellColumns] = [pixels.height / patch / merge, pixels.width / patch / merge];
  const numbers = 3 * options.temporalPatch * patch ** 2;
  let at = 0;
  for (let cell = 0; cell < cellRows * cellColumns; cell++)
    for (let part = 0; part < merge ** 2; part++, at += numbers) {
      const row = Math.floor(cell / cellColumns) * merge + Math.floor(part / merge);
      const column = (cell % cellColumns) * merge + (part % merge);
      const source = (row * pixels.width + column) * patch;
      writePatch({ pixels, source, colours }, target.subarray(at, at + numbers), options);
    }
}

/** Every possible byte of each channel, normalised. */
function colourTables({ mean, deviation }: PatchOptions): readonly Float32Array[] {
  return mean.map((average, channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - average) / deviation[channel]!),
  );
}

interface PatchSource {
  readonly pixels: Pixels;
  /** Pixel at the upper left. */
  readonly source: number;
  readonly colours: readonly Float32Array[];
}

function writePatch(
  { pixels, source, colours }: PatchSource,
  target: Float32Array,
  { patch, temporalPatch }: PatchOptions,
): void {
  const area = patch ** 2;
  colours.forEach((colour, channel) => {
    const first = channel * temporalPatch * area;
    for (let i = 0; i < area; i++) {
      const pixel = source + Math.floor(i / patch) * pixels.width + (i % patch);
      target[first + i] = colour[pixels.data[pixel * 3 + channel]!]!;
    }
    for (let frame = 1; frame < temporalPatch; frame++)
      target.copyWithin(first + frame * area, first, first + area);
  });
}
