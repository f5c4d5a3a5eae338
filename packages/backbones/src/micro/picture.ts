import * as tf from '@tensorflow/tfjs-core';
import { GRID, writeCells } from '@thinkrl/microworld';
import type { Image } from '@thinkrl/spec';

/** Numbers of one picture: 16 cells of 192. */
export const PICTURE_NUMBERS = GRID.cells * GRID.cellNumbers;

/** Pictures cell by cell with values in [-1, 1]: `[pictures, 16, 192]`. */
export function pictureTensor(images: readonly Image[]): tf.Tensor3D {
  const numbers = new Float32Array(images.length * PICTURE_NUMBERS);
  images.forEach((image, index) => {
    writeCells(image, numbers, index * PICTURE_NUMBERS);
  });
  for (let i = 0; i < numbers.length; i++) numbers[i] = numbers[i]! * 2 - 1;
  return tf.tensor3d(numbers, [images.length, GRID.cells, GRID.cellNumbers]);
}
