import { IFFT, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('fft');

/** Inverse Fourier transform of the last axis. */
export const ifft = kernel<{ input: TensorInfo }>(IFFT, ({ input }) => one(native, handleOf(input), true));
