import type * as tf from '@tensorflow/tfjs-core';

const standIns = new WeakMap<tf.Variable, tf.Variable>();

/**
 * Says that gradients by `parameters` are taken elsewhere, as by a sharded module, and that whoever differentiates by
 * them is to name `anchor` instead, so that the way to them is not lost.
 */
export function standInFor(parameters: Iterable<tf.Variable>, anchor: tf.Variable): void {
  for (const parameter of parameters) standIns.set(parameter, anchor);
}

/** What to differentiate by for gradients by `parameters`: they themselves, or what stands for them, once. */
export function gradientLeaves(parameters: readonly tf.Variable[]): readonly tf.Variable[] {
  return [...new Set(parameters.map((parameter) => standIns.get(parameter) ?? parameter))];
}
