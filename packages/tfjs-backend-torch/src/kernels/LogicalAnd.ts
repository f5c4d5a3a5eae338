import { LogicalAnd } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a and b. */
export const logicalAnd = binary(LogicalAnd, 'logical_and');
