import { SquaredDifference } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** (a - b)^2. */
export const squaredDifference = binary(SquaredDifference, 'squared_difference');
