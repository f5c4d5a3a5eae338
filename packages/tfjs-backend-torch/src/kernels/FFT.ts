import { FFT, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('fft');

/** Discrete Fourier transform of the last axis. */
export const fft = kernel<{ input: TensorInfo }>(FFT, ({ input }) => one(native, handleOf(input), false));
