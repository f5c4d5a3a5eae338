import { backend_util, SpaceToBatchND, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { discard, handleOf, one, operation } from '../storage.ts';

const pad = operation('pad');
const reshape = operation('reshape');
const permute = operation('permute');

/** Blocks of pixels moved into the batch axis. */
export const spaceToBatchND = kernel<
  { x: TensorInfo },
  { blockShape: number[]; paddings: [number, number][] }
>(SpaceToBatchND, ({ x }, { blockShape, paddings }) => {
  const rest = x.shape.length - 1 - blockShape.length;
  const frame = [[0, 0], ...paddings, ...Array.from({ length: rest }, () => [0, 0])];
  const padded = one(
    pad,
    handleOf(x),
    frame.map((pair) => pair[0]!),
    frame.map((pair) => pair[1]!),
    0,
  );
  const product = util.sizeFromShape(blockShape);
  const split = backend_util.getReshaped(padded.shape, blockShape, product, false);
  const blocks = one(reshape, handleOf(padded), split);
  const moved = one(
    permute,
    handleOf(blocks),
    backend_util.getPermuted(split.length, blockShape.length, false),
  );
  const merged = backend_util.getReshapedPermuted(padded.shape, blockShape, product, false);
  const result = one(reshape, handleOf(moved), merged);
  discard(padded, blocks, moved);
  return result;
});
