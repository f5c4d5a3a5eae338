import { IsNan } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Whether x is NaN. */
export const isNan = unary(IsNan, 'isnan');
