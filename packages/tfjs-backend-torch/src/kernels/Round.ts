import { Round } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Nearest integer, halves to even. */
export const round = unary(Round, 'round');
