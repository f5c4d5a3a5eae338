import { Ceil } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Smallest integer not below x. */
export const ceil = unary(Ceil, 'ceil');
