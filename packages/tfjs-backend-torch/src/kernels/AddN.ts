import { AddN, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handlesOf, one, operation } from '../storage.ts';

const native = operation('add_n');

/** The sum of tensors of one shape. */
export const addN = kernel<TensorInfo[]>(AddN, (inputs) => one(native, handlesOf(inputs)));
