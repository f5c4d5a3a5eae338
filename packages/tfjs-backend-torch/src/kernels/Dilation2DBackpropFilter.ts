import { Dilation2DBackpropFilter } from '@tensorflow/tfjs-core';
import { dilation } from '../kernel/dilation.ts';

/** Gradient of the dilation with respect to its filter. */
export const dilation2DBackpropFilter = dilation(Dilation2DBackpropFilter);
