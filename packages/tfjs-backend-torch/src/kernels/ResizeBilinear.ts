import { ResizeBilinear, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('resize_bilinear');

/** Images resized by linear interpolation. */
export const resizeBilinear = kernel<
  { images: TensorInfo },
  { size: [number, number]; alignCorners: boolean; halfPixelCenters: boolean }
>(ResizeBilinear, ({ images }, { size, alignCorners, halfPixelCenters }) =>
  one(native, handleOf(images), size[0], size[1], alignCorners, halfPixelCenters),
);
