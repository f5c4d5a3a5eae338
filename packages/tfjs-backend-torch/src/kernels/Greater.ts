import { Greater } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';
import { withStrings } from '../kernel/host.ts';

/** a > b. */
export const greater = withStrings(binary(Greater, 'gt'));
