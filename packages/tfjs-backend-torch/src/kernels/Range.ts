import { Range } from '@tensorflow/tfjs-core';
import { typeCode } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { one, operation } from '../storage.ts';

const native = operation('range');

/** start, start + step, ... before stop. */
export const range = kernel<
  object,
  { start: number; stop: number; step: number; dtype: 'float32' | 'int32' }
>(Range, (_, { start, stop, step, dtype }) => {
  const wrongWay = (start < stop && step < 0) || (stop < start && step > 1);
  const count = start === stop || wrongWay ? 0 : Math.abs(Math.ceil((stop - start) / step));
  const stride = stop < start && step === 1 ? -1 : step;
  return one(native, start, stride, count, typeCode(dtype));
});
