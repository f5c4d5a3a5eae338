import { StringNGrams } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** N-grams of ragged strings. */
export const stringNGrams = onHost(StringNGrams);
