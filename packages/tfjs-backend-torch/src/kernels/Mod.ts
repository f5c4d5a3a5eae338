import { Mod } from '@tensorflow/tfjs-core';
import { binary } from '../kernel/binary.ts';

/** a - floor(a / b) b: takes b's sign. */
export const mod = binary(Mod, 'remainder');
