import { BatchMatMul, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('matmul');

/** Matrix product of the last two axes, broadcast over the others. */
export const batchMatMul = kernel<
  { a: TensorInfo; b: TensorInfo },
  { transposeA: boolean; transposeB: boolean }
>(BatchMatMul, ({ a, b }, { transposeA, transposeB }) =>
  one(native, handleOf(a), handleOf(b), transposeA === true, transposeB === true),
);
