import type * as tf from '@tensorflow/tfjs-core';
import { checkpoint, type ParameterMap, type TensorFunction } from '@thinkrl/nn';

/** A block as a function of its input and of constants. */
export interface BlockRun {
  readonly fn: TensorFunction;
  /** Handed to `fn` after the input; they get no gradient. */
  readonly constants: readonly tf.Tensor[];
  /** The block's parameters to be differentiated by, where it is to be computed again in the backward pass. */
  readonly remember: ParameterMap | undefined;
}

/** Runs a block, kept for the backward pass or computed again in it. */
export function runBlock<T extends tf.Tensor>(x: T, { fn, constants, remember }: BlockRun): T {
  if (remember === undefined) return fn(x, ...constants) as T;
  return checkpoint(fn, [...remember.values()], constants)(x) as T;
}
