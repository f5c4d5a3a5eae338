import * as tf from '@tensorflow/tfjs-core';
import type { RotaryTables } from '@thinkrl/nn';
import type { TransformerConfig } from './config.ts';

/** Height and width of an image in packed latent tokens, 16 pixels each. */
export interface TokenGrid {
  readonly height: number;
  readonly width: number;
}

/** What positions are made for: the noisy image and its references, and a text. */
export interface RopeLayout {
  /** The noisy image first. */
  readonly grids: readonly TokenGrid[];
  readonly textTokens: number;
}

const THETA = 10_000;

/**
 * Cosines and sines of all tokens, text first: `[textTokens + imageTokens, headSize / 2]`. The angles of image `i` turn with
 * `i`, and with height and width counted from its centre; text token `j` has position `m + j` on all three axes, where `m`
 * is half of the longest side of any image.
 */
export function ropeTables(
  { grids, textTokens }: RopeLayout,
  axes: TransformerConfig['ropeAxes'],
): RotaryTables {
  const positions = [...textPositions(grids, textTokens), ...imagePositions(grids)];
  const rates = axes.map(axisRates);
  const half = rates.reduce((sum, list) => sum + list.length, 0);
  const cosine = new Float32Array(positions.length * half);
  const sine = new Float32Array(positions.length * half);
  positions.forEach((position, token) => {
    let at = token * half;
    rates.forEach((list, axis) => {
      for (const rate of list) {
        const angle = Math.fround(position[axis]! * rate);
        cosine[at] = Math.cos(angle);
        sine[at++] = Math.sin(angle);
      }
    });
  });
  const shape: [number, number] = [positions.length, half];
  return { cosine: tf.tensor2d(cosine, shape), sine: tf.tensor2d(sine, shape) };
}

/** Number of tokens of all images. */
export function imageTokens(grids: readonly TokenGrid[]): number {
  return grids.reduce((sum, { height, width }) => sum + height * width, 0);
}

type Position = readonly [image: number, row: number, column: number];

/** `theta^(-2 k / size)` in float32, for each pair of features of an axis. */
function axisRates(size: number): readonly number[] {
  return Array.from({ length: size / 2 }, (_, k) =>
    Math.fround(1 / Math.fround(THETA ** Math.fround((2 * k) / size))),
  );
}

function textPositions(grids: readonly TokenGrid[], count: number): readonly Position[] {
  const start = Math.max(0, ...grids.flatMap(({ height, width }) => [height >> 1, width >> 1]));
  return Array.from({ length: count }, (_, j): Position => [start + j, start + j, start + j]);
}

function imagePositions(grids: readonly TokenGrid[]): readonly Position[] {
  return grids.flatMap(({ height, width }, image) =>
    Array.from({ length: height * width }, (_, token): Position => {
      const [row, column] = [Math.floor(token / width), token % width];
      return [image, row - centre(height), column - centre(width)];
    }),
  );
}

/** The row or column at position 0: one more lies before it than after where the length is odd. */
function centre(length: number): number {
  return length - (length >> 1);
}
