import { ComplexAbs } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Magnitude of a complex number. */
export const complexAbs = unary(ComplexAbs, 'complex_abs');
