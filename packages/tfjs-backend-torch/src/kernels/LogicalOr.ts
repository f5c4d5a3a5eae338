import { LogicalOr } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a or b. */
export const logicalOr = binary(LogicalOr, 'logical_or');
