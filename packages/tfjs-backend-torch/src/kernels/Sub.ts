import { Sub } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a - b. */
export const sub = binary(Sub, 'sub');
