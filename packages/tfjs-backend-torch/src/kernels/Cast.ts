import { Cast, type DataType, type TensorInfo } from '@tensorflow/tfjs-core';
import { typeCode } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation, share } from '../storage.ts';

const native = operation('cast');

/** x in another dtype; the same data if it already has it. */
export const cast = kernel<{ x: TensorInfo }, { dtype: DataType }>(Cast, ({ x }, { dtype }) =>
  x.dtype === dtype ? share(x) : one(native, handleOf(x), typeCode(dtype)),
);
