import { Imag, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('imag');

/** Imaginary part. */
export const imag = kernel<{ input: TensorInfo }>(Imag, ({ input }) => one(native, handleOf(input)));
