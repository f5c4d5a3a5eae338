import { Relu } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** max(x, 0); NaN stays NaN. */
export const relu = unary(Relu, 'relu');
