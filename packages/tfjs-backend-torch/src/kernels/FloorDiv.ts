import { FloorDiv } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** Quotient rounded down. */
export const floorDiv = binary(FloorDiv, 'floor_divide');
