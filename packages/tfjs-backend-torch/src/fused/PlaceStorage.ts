import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const place = operation('storage_place');

/**
 * x in the host's memory or on the engine's device. Kernels that change tensors in place, such as the optimiser's step,
 * run where their tensors are; tensors of both places do not meet in one operation.
 */
export const placeStorage = kernel<{ x: TensorInfo }, { place: 'host' | 'device' }>(
  'PlaceStorage',
  ({ x }, attributes) => one(place, handleOf(x), attributes.place === 'host'),
);
