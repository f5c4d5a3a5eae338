import { Dilation2DBackpropInput } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Gradient of the dilation with respect to its input. */
export const dilation2DBackpropInput = onHost(Dilation2DBackpropInput);
