import { Floor } from '@tensorflow/tfjs-core';
import { unary } from '../kernel/unary.ts';

/** Largest integer not above x. */
export const floor = unary(Floor, 'floor');
