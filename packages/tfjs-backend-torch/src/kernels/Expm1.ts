import { Expm1 } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** e^x - 1, exact near zero. */
export const expm1 = unary(Expm1, 'expm1');
