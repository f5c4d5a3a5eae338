import { Prod } from '@tensorflow/tfjs-core';
import { reduction } from '../kernel/reduction.ts';

/** The product. */
export const prod = reduction(Prod, 'prod');
