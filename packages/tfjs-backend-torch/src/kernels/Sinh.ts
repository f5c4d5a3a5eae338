import { Sinh } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Hyperbolic sine. */
export const sinh = unary(Sinh, 'sinh');
