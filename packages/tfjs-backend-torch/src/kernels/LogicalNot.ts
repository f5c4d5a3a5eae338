import { LogicalNot } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Whether x is zero. */
export const logicalNot = unary(LogicalNot, 'logical_not');
