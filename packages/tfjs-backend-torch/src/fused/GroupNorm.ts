import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, maybeHandle, one, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('group_norm');
const backward = operation('group_norm_grad');
const alias = operation('alias');

interface GroupNormInputs {
  readonly x: TensorInfo;
  readonly gain?: TensorInfo;
  readonly bias?: TensorInfo;
}

interface GroupNormAttributes {
  readonly groups: number;
  readonly epsilon?: number;
}

interface GroupNormGradInputs {
  readonly dy: TensorInfo;
  readonly x: TensorInfo;
  readonly y: TensorInfo;
}

/**
 * Group norm (Wu and He 2018): x `[batch, ..., channels]` with mean 0 and variance 1 over all places and the channels of
 * each of `groups` groups, times gain plus bias `[channels]`, both optional.
 */
export const groupNorm = kernel<GroupNormInputs, GroupNormAttributes>(
  'GroupNorm',
  ({ x, gain, bias }, { groups, epsilon = 1e-5 }) => {
    const tensors = [handleOf(x), maybeHandle(gain), maybeHandle(bias)];
    const [y, ...statistics] = many(forward, ...tensors, groups, epsilon);
    return accompany(y!, gain == null ? statistics : [...statistics, one(alias, handleOf(gain))]);
  },
);

/** d(x) of {@link groupNorm}, and d(gain), d(bias) where it had a gain. */
export const groupNormGrad = kernel<GroupNormGradInputs, GroupNormAttributes>(
  'GroupNormGrad',
  ({ dy, x, y }, { groups }) => {
    const [mean, deviation, gain = -1] = companionsOf(y);
    return many(backward, handleOf(x), gain, -1, groups, handleOf(dy), mean!, deviation!);
  },
);

/** Gradient of {@link groupNorm} for the tape. */
export const groupNormGradient = gradient({
  kernelName: 'GroupNorm',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [x, y] = saved as [Tensor, Tensor];
    const dy = slope as Tensor;
    const part = together(() => runKernel('GroupNormGrad', { dy, x, y }, attributes));
    return {
      x: () => part(0),
      gain: () => part(1),
      bias: () => part(2) ?? runKernel('LinearBiasGrad', { dy })[0]!,
    };
  },
});
