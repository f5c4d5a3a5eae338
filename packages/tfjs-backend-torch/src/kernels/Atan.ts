import { Atan } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Inverse tangent. */
export const atan = unary(Atan, 'atan');
