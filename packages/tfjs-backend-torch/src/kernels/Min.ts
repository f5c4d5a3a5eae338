import { Min } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** The smallest. */
export const min = reduction(Min, 'min');
