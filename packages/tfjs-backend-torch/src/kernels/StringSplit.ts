import { StringSplit } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Strings split at a delimiter, as a sparse tensor. */
export const stringSplit = onHost(StringSplit);
