import { Cos } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Cosine. */
export const cos = unary(Cos, 'cos');
