import { Elu } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** x where positive, e^x - 1 elsewhere. */
export const elu = unary(Elu, 'elu');
