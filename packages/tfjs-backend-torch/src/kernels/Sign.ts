import { Sign } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** -1, 0 or 1. */
export const sign = unary(Sign, 'sign');
