import { RealDiv } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a / b. */
export const realDiv = binary(RealDiv, 'div');
