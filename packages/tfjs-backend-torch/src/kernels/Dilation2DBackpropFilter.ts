import { Dilation2DBackpropFilter } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Gradient of the dilation with respect to its filter. */
export const dilation2DBackpropFilter = onHost(Dilation2DBackpropFilter);
