import { Tanh } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Hyperbolic tangent. */
export const tanh = unary(Tanh, 'tanh');
