import { LogicalXor } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** Either a or b. */
export const logicalXor = binary(LogicalXor, 'logical_xor');
