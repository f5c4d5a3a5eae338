import { ClipByValue, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('clamp');

/** x kept between two bounds. */
export const clipByValue = kernel<{ x: TensorInfo }, { clipValueMin: number; clipValueMax: number }>(
  ClipByValue,
  ({ x }, { clipValueMin, clipValueMax }) => one(native, handleOf(x), clipValueMin, clipValueMax),
);
