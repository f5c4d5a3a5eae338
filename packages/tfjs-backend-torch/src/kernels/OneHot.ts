import { OneHot, type OneHotAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { typeCode } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('one_hot');

/** A row per index with one entry switched on. */
export const oneHot = withStrings(
  kernel<{ indices: TensorInfo }, OneHotAttrs>(OneHot, ({ indices }, { depth, onValue, offValue, dtype }) =>
    one(native, handleOf(indices), depth, onValue, offValue, typeCode(dtype)),
  ),
);
