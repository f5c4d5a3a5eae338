import { Relu6 } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** x between 0 and 6. */
export const relu6 = unary(Relu6, 'relu6');
