import * as tf from '@tensorflow/tfjs-core';
import type { ParameterMap } from '../modules/module.ts';

/** The scalar to differentiate and whatever else of the evaluation should outlive it. */
export interface Objective<Stats extends string = string> {
  readonly loss: tf.Scalar;
  readonly stats?: Readonly<Record<Stats, tf.Tensor>>;
}

/** Gradients by parameter name with the evaluation that gave them; {@link Gradients.dispose} releases all of it. */
export interface Gradients<Stats extends string = string> {
  readonly loss: tf.Scalar;
  readonly stats: Readonly<Record<Stats, tf.Tensor>>;
  /** A parameter the loss does not depend on is left out. */
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
  dispose(): void;
}

/**
 * Evaluates `objective` once and differentiates its loss by `parameters`. Everything but the loss, the stats and the
 * gradients is freed.
 *
 * @example
 * const result = gradients(() => ({ loss: tf.sum(tf.square(w)) }), new Map([['w', w]]));
 */
export function gradients<Stats extends string = never>(
  objective: () => Objective<Stats>,
  parameters: ParameterMap,
): Gradients<Stats> {
  let stats = {} as Record<Stats, tf.Tensor>;
  const variables = [...parameters.values()];
  const { value, grads } = tf.engine().gradients(
    () => {
      const result = objective();
      stats = kept(result.stats);
      return result.loss;
    },
    variables,
    undefined,
    true,
  );
  const named = new Map<string, tf.Tensor>();
  [...parameters.keys()].forEach((name, index) => {
    const gradient = grads[index];
    if (gradient != null) named.set(name, gradient);
  });
  const dispose = () => tf.dispose([value, ...Object.values<tf.Tensor>(stats), ...named.values()]);
  return { loss: value as tf.Scalar, stats, gradients: named, dispose };
}

function kept<Stats extends string>(
  stats: Readonly<Record<Stats, tf.Tensor>> | undefined,
): Record<Stats, tf.Tensor> {
  const entries = Object.entries<tf.Tensor>(stats ?? {});
  return Object.fromEntries(entries.map(([name, tensor]) => [name, tf.keep(tensor.clone())])) as Record<
    Stats,
    tf.Tensor
  >;
}
