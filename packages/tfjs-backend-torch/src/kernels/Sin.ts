import { Sin } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Sine. */
export const sin = unary(Sin, 'sin');
