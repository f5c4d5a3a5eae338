import { Acos } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Inverse cosine. */
export const acos = unary(Acos, 'acos');
