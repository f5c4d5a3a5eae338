import { LRN } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Local response normalisation. */
export const lrn = onHost(LRN);
