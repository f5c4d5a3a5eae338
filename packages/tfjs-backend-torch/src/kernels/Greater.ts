import { Greater } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a > b. */
export const greater = binary(Greater, 'gt');
