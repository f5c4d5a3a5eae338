import { NotEqual } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';
import { withStrings } from '../kernel/host.ts';

/** Whether a and b differ. */
export const notEqual = withStrings(binary(NotEqual, 'ne'));
