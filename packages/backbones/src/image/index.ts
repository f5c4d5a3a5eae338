export { readImage, writeImage } from './file.ts';
export { imageOf, type Pixels, pixelsOf } from './pixels.ts';
export { type ResampleFilter, type ResampleOptions, resample } from './resample.ts';
