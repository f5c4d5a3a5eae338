import { Any } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** Whether any is true. */
export const any = reduction(Any, 'any');
