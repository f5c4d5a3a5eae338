import { Sigmoid } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** 1 / (1 + e^-x). */
export const sigmoid = unary(Sigmoid, 'sigmoid');
