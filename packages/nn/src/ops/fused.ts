import * as tf from '@tensorflow/tfjs-core';

/** Inputs of a fused kernel; a list stands for tensors of any number, and an undefined one is left out. */
export type FusedInputs = Readonly<Record<string, tf.Tensor | readonly tf.Tensor[] | undefined>>;

/** Whether the engine in use has the fused kernel `name`. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/**
 * Runs a fused kernel of the engine in use; its registered gradient, if any, goes on the tape.
 *
 * @example
 * const [y] = runFused('Gelu', { x }, { approximate: 'none' });
 */
export function runFused(name: string, inputs: FusedInputs, attributes: object = {}): tf.Tensor[] {
  const present = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  const output = tf
    .engine()
    .runKernel(name, present as unknown as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap);
  return Array.isArray(output) ? output : [output as tf.Tensor];
}
