import { Neg } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** -x. */
export const neg = unary(Neg, 'neg');
