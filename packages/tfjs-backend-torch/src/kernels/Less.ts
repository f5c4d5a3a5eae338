import { Less } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a < b. */
export const less = binary(Less, 'lt');
