import { ResizeNearestNeighbor, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('resize_nearest');

/** Images resized by the nearest pixel. */
export const resizeNearestNeighbor = kernel<
  { images: TensorInfo },
  { size: [number, number]; alignCorners: boolean; halfPixelCenters: boolean }
>(ResizeNearestNeighbor, ({ images }, { size, alignCorners, halfPixelCenters }) =>
  one(native, handleOf(images), size[0], size[1], alignCorners, halfPixelCenters),
);
