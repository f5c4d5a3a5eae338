import { Multiply } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a b. */
export const multiply = binary(Multiply, 'mul');
