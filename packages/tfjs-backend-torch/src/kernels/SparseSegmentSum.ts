import { SparseSegmentSum } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Sum of picked rows per segment. */
export const sparseSegmentSum = onHost(SparseSegmentSum);
