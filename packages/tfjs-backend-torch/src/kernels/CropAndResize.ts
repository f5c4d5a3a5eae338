import { CropAndResize } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Boxes of images, resized to one size. */
export const cropAndResize = onHost(CropAndResize);
