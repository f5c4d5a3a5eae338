import { Conv2D, type Conv2DAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv2dGeometry, inFormat } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv');

/** 2-D convolution. */
export const conv2D = kernel<{ x: TensorInfo; filter: TensorInfo }, Conv2DAttrs>(
  Conv2D,
  ({ x, filter }, attrs) => {
    const geometry = conv2dGeometry(x.shape, filter.shape, attrs);
    return inFormat(attrs.dataFormat, x, (image) =>
      one(native, handleOf(image), handleOf(filter), ...geometry),
    );
  },
);
