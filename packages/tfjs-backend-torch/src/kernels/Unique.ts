import { Unique } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Distinct slices of a tensor and where each element's is. */
export const unique = onHost(Unique);
