import { SparseToDense, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('sparse_to_dense');

/** Sparse values in a dense tensor of a default value. */
export const sparseToDense = withStrings(
  kernel<
    { sparseIndices: TensorInfo; sparseValues: TensorInfo; defaultValue: TensorInfo },
    { outputShape: number[] }
  >(SparseToDense, ({ sparseIndices, sparseValues, defaultValue }, { outputShape }) =>
    one(native, handleOf(sparseIndices), handleOf(sparseValues), handleOf(defaultValue), outputShape),
  ),
);
