import { Dilation2D } from '@tensorflow/tfjs-core';
import { dilation } from '../kernel/dilation.ts';

/** Grey-scale dilation. */
export const dilation2D = dilation(Dilation2D);
