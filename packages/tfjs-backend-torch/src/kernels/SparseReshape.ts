import { SparseReshape } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Coordinates of a sparse tensor in another shape. */
export const sparseReshape = onHost(SparseReshape);
