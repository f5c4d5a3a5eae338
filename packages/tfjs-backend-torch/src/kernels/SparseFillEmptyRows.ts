import { SparseFillEmptyRows } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** A sparse tensor with its empty rows filled. */
export const sparseFillEmptyRows = onHost(SparseFillEmptyRows);
