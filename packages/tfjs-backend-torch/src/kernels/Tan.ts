import { Tan } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Tangent. */
export const tan = unary(Tan, 'tan');
