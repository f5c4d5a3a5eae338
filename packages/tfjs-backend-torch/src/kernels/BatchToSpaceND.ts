import { BatchToSpaceND, backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { discard, handleOf, one, operation } from '../storage.ts';

const slice = operation('slice');
const reshape = operation('reshape');
const permute = operation('permute');

/** Blocks of the batch axis moved back into space. */
export const batchToSpaceND = kernel<{ x: TensorInfo }, { blockShape: number[]; crops: [number, number][] }>(
  BatchToSpaceND,
  ({ x }, { blockShape, crops }) => {
    const product = util.sizeFromShape(blockShape);
    const split = backend_util.getReshaped(x.shape, blockShape, product);
    const merged = backend_util.getReshapedPermuted(x.shape, blockShape, product);
    const blocks = one(reshape, handleOf(x), split);
    const moved = one(permute, handleOf(blocks), backend_util.getPermuted(split.length, blockShape.length));
    const joined = one(reshape, handleOf(moved), merged);
    const begin = backend_util.getSliceBeginCoords(crops, blockShape.length);
    const result = one(
      slice,
      handleOf(joined),
      begin,
      backend_util.getSliceSize(merged, crops, blockShape.length),
    );
    discard(blocks, moved, joined);
    return result;
  },
);
