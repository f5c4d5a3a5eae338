import { IsFinite } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Whether x is neither infinite nor NaN. */
export const isFinite = unary(IsFinite, 'isfinite');
