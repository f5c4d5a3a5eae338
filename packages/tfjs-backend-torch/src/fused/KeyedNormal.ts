import { kernel } from '../kernel/config.ts';
import { one, operation } from '../storage.ts';

const normal = operation('keyed_normal');

interface KeyedNormalAttributes {
  /** `[rows, ...]`. */
  readonly shape: number[];
  /** Two unsigned 32-bit words per row, those of its `Key`: `[2 * rows]`. */
  readonly words: number[];
}

/**
 * Standard normal numbers of which row `i` is decided by its two words alone: the Box-Muller pairs of the stream of
 * that `Key`, so that they are those of every other engine up to float rounding, in any batch, on any thread count.
 */
export const keyedNormal = kernel<object, KeyedNormalAttributes>('KeyedNormal', (_, { shape, words }) =>
  one(normal, shape, words),
);
