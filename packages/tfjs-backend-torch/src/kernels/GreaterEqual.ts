import { GreaterEqual } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a >= b. */
export const greaterEqual = binary(GreaterEqual, 'ge');
