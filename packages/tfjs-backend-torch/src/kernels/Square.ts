import { Square } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** x^2. */
export const square = unary(Square, 'square');
