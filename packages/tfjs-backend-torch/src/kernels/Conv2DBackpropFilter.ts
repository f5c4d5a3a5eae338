import { Conv2DBackpropFilter, type Conv2DBackpropFilterAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { conv2dGeometry, toChannelsLast } from '../kernel/geometry.ts';
import { discard, handleOf, one, operation } from '../storage.ts';

const native = operation('conv_filter_grad');

/** Gradient of the 2-D convolution with respect to its filter. */
export const conv2DBackpropFilter = kernel<{ x: TensorInfo; dy: TensorInfo }, Conv2DBackpropFilterAttrs>(
  Conv2DBackpropFilter,
  ({ x, dy }, attrs) => {
    const { dataFormat, filterShape } = attrs;
    const geometry = conv2dGeometry(x.shape, filterShape, attrs);
    const image = toChannelsLast(dataFormat, x);
    const slope = toChannelsLast(dataFormat, dy);
    const result = one(native, handleOf(image), handleOf(slope), filterShape, ...geometry);
    if (image !== x) discard(image, slope);
    return result;
  },
);
