import { NonMaxSuppressionV3 } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Boxes kept by greedy overlap suppression. */
export const nonMaxSuppressionV3 = onHost(NonMaxSuppressionV3);
