import { Sum } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** The sum; bits are counted. */
export const sum = reduction(Sum, 'sum');
