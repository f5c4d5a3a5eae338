import { type TensorInfo, TensorScatterUpdate } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('scatter_update');

/** A copy with the slices at coordinates replaced. */
export const tensorScatterUpdate = withStrings(
  kernel<{ tensor: TensorInfo; indices: TensorInfo; updates: TensorInfo }>(
    TensorScatterUpdate,
    ({ tensor, indices, updates }) => one(native, handleOf(tensor), handleOf(indices), handleOf(updates)),
  ),
);
