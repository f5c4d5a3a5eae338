import { Add } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a + b. */
export const add = binary(Add, 'add');
