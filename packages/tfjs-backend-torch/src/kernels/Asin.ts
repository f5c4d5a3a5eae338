import { Asin } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Inverse sine. */
export const asin = unary(Asin, 'asin');
