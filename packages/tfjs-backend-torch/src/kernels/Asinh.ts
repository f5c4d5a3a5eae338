import { Asinh } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Inverse hyperbolic sine. */
export const asinh = unary(Asinh, 'asinh');
