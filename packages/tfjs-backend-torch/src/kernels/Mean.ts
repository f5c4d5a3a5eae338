import { Mean } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** The mean; always float32. */
export const mean = reduction(Mean, 'mean');
