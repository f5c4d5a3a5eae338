import { Less } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';
import { withStrings } from '../kernel/host.ts';

/** a < b. */
export const less = withStrings(binary(Less, 'lt'));
