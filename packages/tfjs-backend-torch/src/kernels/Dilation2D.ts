import { Dilation2D } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Grey-scale dilation. */
export const dilation2D = onHost(Dilation2D);
