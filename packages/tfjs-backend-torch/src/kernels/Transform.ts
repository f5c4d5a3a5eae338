import { Transform } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Images under projective transforms. */
export const transform = onHost(Transform);
