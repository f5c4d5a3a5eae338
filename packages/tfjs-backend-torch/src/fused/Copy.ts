import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, none, one, operation } from '../storage.ts';
import { gradient } from './gradient.ts';

const duplicate = operation('copy');
const overwrite = operation('assign');

/** x in storage of its own: later in-place steps on x do not show in it. */
export const copy = kernel<{ x: TensorInfo }>('Copy', ({ x }) => one(duplicate, handleOf(x)));

/** Gradient of {@link copy} for the tape: the slope itself. */
export const copyGradient = gradient({
  kernelName: 'Copy',
  gradFunc: (slope) => ({ x: () => (slope as Tensor).clone() }),
});

/** Overwrites `target` with the values of `source` of the same shape, in place. */
export const assignInPlace = kernel<{ target: TensorInfo; source: TensorInfo }>(
  'AssignInPlace',
  ({ target, source }) => {
    none(overwrite, handleOf(target), handleOf(source));
    return [];
  },
);
