import { Abs } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** |x|; bits count as 0 and 1. */
export const abs = unary(Abs, 'abs');
