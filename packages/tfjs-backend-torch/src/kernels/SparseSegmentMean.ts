import { SparseSegmentMean } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Mean of picked rows per segment. */
export const sparseSegmentMean = onHost(SparseSegmentMean);
