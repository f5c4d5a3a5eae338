import { ResizeBilinearGrad, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('resize_bilinear_grad');

/** Gradient: Images resized by linear interpolation. */
export const resizeBilinearGrad = kernel<
  { images: TensorInfo; dy: TensorInfo },
  { alignCorners: boolean; halfPixelCenters?: boolean }
>(ResizeBilinearGrad, ({ images, dy }, { alignCorners, halfPixelCenters }) =>
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
