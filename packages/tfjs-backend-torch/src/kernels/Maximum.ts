import { Maximum } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** The larger of a and b. */
export const maximum = binary(Maximum, 'maximum');
