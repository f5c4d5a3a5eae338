import { NonMaxSuppressionV5 } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Boxes kept by soft overlap suppression, with their scores. */
export const nonMaxSuppressionV5 = onHost(NonMaxSuppressionV5);
