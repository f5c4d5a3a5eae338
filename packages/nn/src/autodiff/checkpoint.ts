import * as tf from '@tensorflow/tfjs-core';
import { gradientLeaves } from './stand-in.ts';
import { withoutTape } from './tape.ts';

/** A differentiable function of tensors. */
export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Gradient checkpointing (Chen et al. 2016): `fn` runs without a tape and runs again in the backward pass, so its
 * intermediates are not kept. Values and gradients are exactly those of `fn`.
 *
 * `parameters` are the variables that `fn` uses besides its inputs; one that is not listed gets no gradient.
 *
 * @example
 * const y = checkpoint((x) => block.forward(x as tf.Tensor3D), [...block.parameters().values()])(x);
 */
export function checkpoint(fn: TensorFunction, parameters: readonly tf.Variable[]): TensorFunction {
  const leaves = gradientLeaves(parameters);
  return (...inputs) => {
    const remembered = tf.customGrad((...args) => {
      const save = args.at(-1) as unknown as (tensors: tf.Tensor[]) => void;
      const value = fn(...inputs);
      save([...inputs]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => recompute(fn, saved, leaves, dy);
      return { value, gradFunc };
    });
    return remembered(...inputs, ...leaves);
  };
}

let depth = 0;

/** Whether a checkpointed function is running again, for its gradient. */
export function recomputing(): boolean {
  return depth > 0;
}

function recompute(
  fn: TensorFunction,
  inputs: readonly tf.Tensor[],
  parameters: readonly tf.Variable[],
  dy: tf.Tensor,
): tf.Tensor[] {
  const all = [...inputs, ...parameters];
  depth++;
  try {
    const { value, grads } = withoutTape(() => tf.engine().gradients(() => fn(...inputs), all, dy, true));
    value.dispose();
    return all.map((tensor, index) => grads[index] ?? tf.zerosLike(tensor));
  } finally {
    depth--;
  }
}
