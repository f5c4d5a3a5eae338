import { ZerosLike } from '@tensorflow/tfjs-core';
import { withStrings } from '../kernel/host.ts';
import { unary } from '../kernel/unary.ts';

/** Zeros of x's shape and dtype. */
export const zerosLike = withStrings(unary(ZerosLike, 'zeros_like'));
