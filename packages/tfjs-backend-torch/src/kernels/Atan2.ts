import { Atan2 } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** Angle of the point (b, a). */
export const atan2 = binary(Atan2, 'atan2');
