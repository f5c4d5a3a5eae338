import { Pack, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handlesOf, one, operation } from '../storage.ts';

const native = operation('stack');

/** Tensors of one shape stacked along a new axis. */
export const pack = withStrings(
  kernel<TensorInfo[], { axis: number }>(Pack, (inputs, { axis }) => {
    const { shape, dtype } = inputs[0]!;
    for (const tensor of inputs) {
      util.assertShapesMatch(shape, tensor.shape, 'All tensors passed to stack must have matching shapes');
      util.assert(dtype === tensor.dtype, () => 'All tensors passed to stack must have matching dtypes');
    }
    return one(native, handlesOf(inputs), axis);
  }),
);
