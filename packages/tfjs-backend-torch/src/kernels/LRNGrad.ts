import { LRNGrad } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Gradient of the local response normalisation. */
export const lrnGrad = onHost(LRNGrad);
