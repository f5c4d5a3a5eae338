import { type TensorInfo, Unpack } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, many, operation } from '../storage.ts';

const native = operation('unstack');

/** Views of the slices along an axis. */
export const unpack = withStrings(
  kernel<{ value: TensorInfo }, { axis: number }>(Unpack, ({ value }, { axis }) =>
    many(native, handleOf(value), axis),
  ),
);
