import { Select, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('select');

/** t where the condition holds, e elsewhere. */
export const select = withStrings(
  kernel<{ condition: TensorInfo; t: TensorInfo; e: TensorInfo }>(Select, ({ condition, t, e }) =>
    one(native, handleOf(condition), handleOf(t), handleOf(e)),
  ),
);
