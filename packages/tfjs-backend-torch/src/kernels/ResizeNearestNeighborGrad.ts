import { ResizeNearestNeighborGrad, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('resize_nearest_grad');

/** Gradient: Images resized by the nearest pixel. */
export const resizeNearestNeighborGrad = kernel<
  { images: TensorInfo; dy: TensorInfo },
  { alignCorners: boolean; halfPixelCenters?: boolean }
>(ResizeNearestNeighborGrad, ({ images, dy }, { alignCorners, halfPixelCenters }) =>
  one(
    native,
    handleOf(dy),
    handleOf(images),
    dy.shape[1]!,
    dy.shape[2]!,
    alignCorners,
    halfPixelCenters === true,
  ),
);
