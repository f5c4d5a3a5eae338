import { LinSpace } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { one, operation } from '../storage.ts';

const native = operation('range');

/** num evenly spaced numbers from start to stop. */
export const linSpace = kernel<object, { start: number; stop: number; num: number }>(
  LinSpace,
  (_, { start, stop, num }) => one(native, start, num > 1 ? (stop - start) / (num - 1) : 0, num, 0),
);
