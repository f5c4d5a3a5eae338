import { BitwiseAnd } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** Bitwise and of integers. */
export const bitwiseAnd = binary(BitwiseAnd, 'bitwise_and');
