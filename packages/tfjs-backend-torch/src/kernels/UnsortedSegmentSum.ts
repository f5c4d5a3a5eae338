import { type TensorInfo, UnsortedSegmentSum } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('segment_sum');

/** Rows summed per segment; negative segments are dropped. */
export const unsortedSegmentSum = kernel<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>(
  UnsortedSegmentSum,
  ({ x, segmentIds }, { numSegments }) => one(native, handleOf(x), handleOf(segmentIds), numSegments),
);
