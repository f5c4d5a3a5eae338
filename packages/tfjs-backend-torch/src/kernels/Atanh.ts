import { Atanh } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Inverse hyperbolic tangent. */
export const atanh = unary(Atanh, 'atanh');
