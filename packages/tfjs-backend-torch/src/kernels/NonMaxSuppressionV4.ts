import { NonMaxSuppressionV4 } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Boxes kept by greedy overlap suppression, padded, with their number. */
export const nonMaxSuppressionV4 = onHost(NonMaxSuppressionV4);
