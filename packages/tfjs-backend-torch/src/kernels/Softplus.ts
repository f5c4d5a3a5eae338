import { Softplus } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** log(1 + e^x). */
export const softplus = unary(Softplus, 'softplus');
