import { Pow } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a^b. */
export const pow = binary(Pow, 'pow');
