import { Minimum } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** The smaller of a and b. */
export const minimum = binary(Minimum, 'minimum');
