import { Selu } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Scaled exponential linear unit. */
export const selu = unary(Selu, 'selu');
