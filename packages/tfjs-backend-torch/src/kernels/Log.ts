import { Log } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Natural logarithm. */
export const log = unary(Log, 'log');
