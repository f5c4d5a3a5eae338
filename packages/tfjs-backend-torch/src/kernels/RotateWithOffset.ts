import { RotateWithOffset } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Images rotated about a centre. */
export const rotateWithOffset = onHost(RotateWithOffset);
