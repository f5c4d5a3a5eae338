import { LessEqual } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';
import { withStrings } from '../kernel/host.ts';

/** a <= b. */
export const lessEqual = withStrings(binary(LessEqual, 'le'));
