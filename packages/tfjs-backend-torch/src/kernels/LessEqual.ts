import { LessEqual } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a <= b. */
export const lessEqual = binary(LessEqual, 'le');
