import { FlipLeftRight, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('flip');

/** Images mirrored left to right. */
export const flipLeftRight = kernel<{ image: TensorInfo }>(FlipLeftRight, ({ image }) =>
  one(native, handleOf(image), [2]),
);
