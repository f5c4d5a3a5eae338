import { SearchSorted, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('search');

/** Where values would be inserted into sorted rows. */
export const searchSorted = kernel<
  { sortedSequence: TensorInfo; values: TensorInfo },
  { side: 'left' | 'right' }
>(SearchSorted, ({ sortedSequence, values }, { side }) =>
  one(native, handleOf(sortedSequence), handleOf(values), side === 'right'),
);
