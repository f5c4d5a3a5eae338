import { Conv2DBackpropInput, type Conv2DBackpropInputAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { channelsLastShape, conv2dGeometry, inFormat } from '../kernel/geometry.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('conv_input_grad');

/** Gradient of the 2-D convolution with respect to its input. */
export const conv2DBackpropInput = kernel<{ dy: TensorInfo; filter: TensorInfo }, Conv2DBackpropInputAttrs>(
  Conv2DBackpropInput,
  ({ dy, filter }, attrs) => {
    const geometry = conv2dGeometry(attrs.inputShape, filter.shape, attrs);
    const shape = channelsLastShape(attrs.dataFormat, attrs.inputShape);
    return inFormat(attrs.dataFormat, dy, (slope) =>
      one(native, handleOf(slope), handleOf(filter), shape, ...geometry),
    );
  },
);
