import { Acosh } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Inverse hyperbolic cosine. */
export const acosh = unary(Acosh, 'acosh');
