import { Erf } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Error function. */
export const erf = unary(Erf, 'erf');
