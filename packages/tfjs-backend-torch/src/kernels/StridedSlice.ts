import { StridedSlice, type StridedSliceAttrs, slice_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { discard, handleOf, one, operation } from '../storage.ts';

const native = operation('strided_slice');
const reshape = operation('reshape');

/** Every n-th element of a box, with axes added and dropped as the masks say. */
export const stridedSlice = withStrings(
  kernel<{ x: TensorInfo }, StridedSliceAttrs>(StridedSlice, ({ x }, a) => {
    const info = slice_util.sliceInfo(
      x.shape,
      a.begin,
      a.end,
      a.strides,
      a.beginMask,
      a.endMask,
      a.ellipsisMask,
      a.newAxisMask,
      a.shrinkAxisMask,
    );
    if (info.isIdentity) return one(reshape, handleOf(x), info.finalShape);
    const size = slice_util.computeOutShape(info.begin, info.end, info.strides);
    const box = one(native, handleOf(x), info.begin, info.strides, size);
    const view = one(reshape, handleOf(box), info.finalShape);
    discard(box);
    return view;
  }),
);
