import { type DataType, Fill, util } from '@tensorflow/tfjs-core';
import { typeCode } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { one, operation, store } from '../storage.ts';

const native = operation('fill');

/** One value everywhere. */
export const fill = kernel<object, { shape: number[]; value: number | string; dtype?: DataType }>(
  Fill,
  (_, { shape, value, dtype }) => {
    util.assertNonNegativeIntegerDimensions(shape);
    const type = dtype ?? util.inferDtype(value);
    if (type !== 'string') return one(native, shape, Number(value), typeCode(type));
    const bytes = util.encodeString(value as string);
    const copies = Array.from({ length: util.sizeFromShape(shape) }, () => bytes);
    return { dataId: store(copies, shape, 'string'), shape, dtype: 'string' };
  },
);
