import { Log1p } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** log(1 + x), exact near zero. */
export const log1p = unary(Log1p, 'log1p');
