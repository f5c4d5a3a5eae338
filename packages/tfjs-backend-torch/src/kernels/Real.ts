import { Real, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('real');

/** Real part. */
export const real = kernel<{ input: TensorInfo }>(Real, ({ input }) => one(native, handleOf(input)));
