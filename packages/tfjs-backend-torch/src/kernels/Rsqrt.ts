import { Rsqrt } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** 1 / sqrt(x). */
export const rsqrt = unary(Rsqrt, 'rsqrt');
