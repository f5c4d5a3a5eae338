import { All } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** Whether all are true. */
export const all = reduction(All, 'all');
