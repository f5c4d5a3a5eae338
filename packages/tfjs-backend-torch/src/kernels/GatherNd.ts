import { GatherNd, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('gather_nd');

/** Slices picked by coordinates. */
export const gatherNd = withStrings(
  kernel<{ params: TensorInfo; indices: TensorInfo }>(GatherNd, ({ params, indices }) =>
    one(native, handleOf(params), handleOf(indices)),
  ),
);
