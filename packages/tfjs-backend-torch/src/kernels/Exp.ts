import { Exp } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** e^x. */
export const exp = unary(Exp, 'exp');
