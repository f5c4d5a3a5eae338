import { Sqrt } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Square root. */
export const sqrt = unary(Sqrt, 'sqrt');
