import { EluGrad, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('elu_grad');

/** Gradient of elu from its output. */
export const eluGrad = kernel<{ dy: TensorInfo; y: TensorInfo }>(EluGrad, ({ dy, y }) =>
  one(native, handleOf(dy), handleOf(y)),
);
