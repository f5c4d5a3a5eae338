import * as tf from '@tensorflow/tfjs-core';
import { StorageError } from './error.ts';
import type { ParameterMap } from './modules/module.ts';
import { copyTensor } from './ops/copy-tensor.ts';

/**
 * The values of parameters at one moment, and a way to compute with them again: a reference policy without a second
 * model.
 *
 * @example
 * const reference = new WeightSnapshot(policy.parameters());
 * const scores = noGrad(() => reference.during(() => batch.score()));
 */
export class WeightSnapshot {
  private readonly parameters: ParameterMap;
  private readonly copies = new Map<string, tf.Tensor>();

  /** Copies the parameters' present values into storage of the snapshot's own. */
  constructor(parameters: ParameterMap) {
    this.parameters = parameters;
    for (const [name, variable] of parameters) {
      const copy = tf.tidy(() => copyTensor<tf.Tensor>(variable));
      this.copies.set(name, tf.keep(copy));
    }
  }

  /**
   * Runs `fn` with the snapshot's values in the parameters and puts the present ones back, also when `fn` throws. No
   * values are copied. `fn` must be synchronous and must not update the parameters; a promise is a
   * {@link StorageError}.
   */
  during<T>(fn: () => T): T {
    const present = this.lend();
    let result: T;
    try {
      result = fn();
    } finally {
      this.giveBack(present);
    }
    if (result instanceof Promise)
      throw new StorageError('WeightSnapshot.during takes a synchronous function');
    return result;
  }

  /** The copied values by parameter name; they stay owned by the snapshot. */
  values(): ReadonlyMap<string, tf.Tensor> {
    return this.copies;
  }

  dispose(): void {
    tf.dispose([...this.copies.values()]);
  }

  private lend(): ReadonlyMap<string, tf.Tensor> {
    const present = new Map<string, tf.Tensor>();
    for (const [name, variable] of this.parameters) {
      present.set(name, tf.keep(variable.clone()));
      variable.assign(this.copies.get(name)!);
    }
    return present;
  }

  private giveBack(present: ReadonlyMap<string, tf.Tensor>): void {
    for (const [name, variable] of this.parameters) {
      variable.assign(present.get(name)!);
      present.get(name)!.dispose();
    }
  }
}
