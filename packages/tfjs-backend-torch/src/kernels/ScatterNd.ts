import { ScatterNd, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('scatter_nd');

/** Updates added onto zeros at coordinates. */
export const scatterNd = withStrings(
  kernel<{ indices: TensorInfo; updates: TensorInfo }, { shape: number[] }>(
    ScatterNd,
    ({ indices, updates }, { shape }) => one(native, handleOf(indices), handleOf(updates), shape),
  ),
);
