import { Cosh } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Hyperbolic cosine. */
export const cosh = unary(Cosh, 'cosh');
