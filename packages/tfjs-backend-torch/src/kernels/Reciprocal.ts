import { Reciprocal } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** 1 / x. */
export const reciprocal = unary(Reciprocal, 'reciprocal');
