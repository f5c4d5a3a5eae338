import { Complex, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('complex');

/** real + i imag. */
export const complex = kernel<{ real: TensorInfo; imag: TensorInfo }>(Complex, ({ real, imag }) =>
  one(native, handleOf(real), handleOf(imag)),
);
