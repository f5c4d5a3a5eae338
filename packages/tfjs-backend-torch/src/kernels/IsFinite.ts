import { IsFinite } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Whether x is neither infinite nor NaN. */
export const finite = unary(IsFinite, 'isfinite');
