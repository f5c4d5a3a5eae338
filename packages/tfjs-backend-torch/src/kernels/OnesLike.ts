import { OnesLike } from '@tensorflow/tfjs-core';
import { withStrings } from '../kernel/host.ts';
import { unary } from '../kernel/unary.ts';

/** Ones of x's shape and dtype. */
export const onesLike = withStrings(unary(OnesLike, 'ones_like'));
