import * as tf from '@tensorflow/tfjs-core';
import { withoutTape } from './tape.ts';

/** A differentiable function of tensors. */
export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Gradient checkpointing (Chen et al. 2016): `fn` runs without a tape and runs again in the backward pass, so its
 * intermediates are not kept. Values and gradients are exactly those of `fn`.
 *
 * `parameters` are the variables that `fn` uses besides its inputs; one that is not listed gets no gradient. `constants`
 * are handed to `fn` after the inputs and get none; a tensor that `fn` merely captures may be gone when it runs again.
 *
 * @example
 * const y = checkpoint((x) => block.forward(x as tf.Tensor3D), [...block.parameters().values()])(x);
 */
export function checkpoint(
  fn: TensorFunction,
  parameters: readonly tf.Variable[],
  constants: readonly tf.Tensor[] = [],
): TensorFunction {
  return (...inputs) => {
    const count = inputs.length;
    const remembered = tf.customGrad((...args) => {
      const save = args.at(-1) as unknown as (tensors: tf.Tensor[]) => void;
      const value = fn(...inputs, ...constants);
      save([...inputs, ...constants]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const again: TensorFunction = (...given) => fn(...given, ...saved.slice(count));
        return recompute({ fn: again, inputs: saved.slice(0, count), parameters }, dy);
      };
      return { value, gradFunc };
    });
    return remembered(...inputs, ...parameters);
  };
}

interface Run {
  readonly fn: TensorFunction;
  readonly inputs: readonly tf.Tensor[];
  readonly parameters: readonly tf.Variable[];
}

function recompute({ fn, inputs, parameters }: Run, dy: tf.Tensor): tf.Tensor[] {
  const all = [...inputs, ...parameters];
  const { value, grads } = withoutTape(() => tf.engine().gradients(() => fn(...inputs), all, dy, true));
  value.dispose();
  return all.map((tensor, index) => grads[index] ?? tf.zerosLike(tensor));
}
