import { BroadcastArgs, backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { dataOf, load, store } from '../storage.ts';

/** The shape that two shapes broadcast to. */
export const broadcastArgs = kernel<{ s0: TensorInfo; s1: TensorInfo }>(BroadcastArgs, ({ s0, s1 }) => {
  const [first, second] = [s0, s1].map((shape) => Array.from(load(dataOf(shape.dataId)) as Int32Array));
  const shape = backend_util.assertAndGetBroadcastShape(first!, second!);
  return {
    dataId: store(Int32Array.from(shape), [shape.length], 'int32'),
    shape: [shape.length],
    dtype: 'int32',
  };
});
