import { Diag, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('diag');

/** x on the diagonal of a tensor of twice its rank. */
export const diag = kernel<{ x: TensorInfo }>(Diag, ({ x }) => one(native, handleOf(x)));
