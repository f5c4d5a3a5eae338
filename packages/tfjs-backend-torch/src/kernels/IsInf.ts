import { IsInf } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Whether x is infinite. */
export const isInf = unary(IsInf, 'isinf');
