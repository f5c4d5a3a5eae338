import { MirrorPad, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('mirror_pad');

/** x continued by its own reflection. */
export const mirrorPad = kernel<
  { x: TensorInfo },
  { paddings: [number, number][]; mode: 'reflect' | 'symmetric' }
>(MirrorPad, ({ x }, { paddings, mode }) => {
  const before = paddings.map((pair) => pair[0]);
  const after = paddings.map((pair) => pair[1]);
  return one(native, handleOf(x), before, after, mode === 'symmetric' ? 1 : 0);
});
