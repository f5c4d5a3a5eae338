import { Dilation2DBackpropInput } from '@tensorflow/tfjs-core';
import { dilation } from '../kernel/dilation.ts';

/** Gradient of the dilation with respect to its input. */
export const dilation2DBackpropInput = dilation(Dilation2DBackpropInput);
