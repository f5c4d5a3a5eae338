import { Max } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** The largest. */
export const max = reduction(Max, 'max');
