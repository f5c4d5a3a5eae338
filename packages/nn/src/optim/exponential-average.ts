import * as tf from '@tensorflow/tfjs-core';
import type { ParameterMap } from '../modules/module.ts';
import { castStorage } from '../ops/cast-storage.ts';
import { copyTensor } from '../ops/copy-tensor.ts';
import { hasKernel, runFused } from '../ops/fused.ts';

/**
 * Exponential moving average of parameters, kept beside them in float32 whatever storage they have.
 *
 * @example
 * const average = new ExponentialAverage(model.parameters());
 * average.update(0.998);
 */
export class ExponentialAverage {
  private readonly parameters: ParameterMap;
  private readonly averages = new Map<string, tf.Variable>();

  /** Starts from the parameters' present values. */
  constructor(parameters: ParameterMap) {
    this.parameters = parameters;
    for (const [name, parameter] of parameters)
      this.averages.set(
        name,
        tf.tidy(() => tf.variable(castStorage(copyTensor<tf.Tensor>(parameter), 'float32'), false)),
      );
  }

  /** `average = decay · average + (1 - decay) · parameter`, in place where the engine can. */
  update(decay: number): void {
    const averages = [...this.averages.values()];
    const params = [...this.parameters.values()];
    if (hasKernel('EmaStep')) tf.dispose(runFused('EmaStep', { averages, params }, { decay }));
    else
      tf.tidy(() => {
        averages.forEach((average, index) => {
          average.assign(tf.add(tf.mul(average, decay), tf.mul(params[index]!, 1 - decay)));
        });
      });
  }

  /** The averages by parameter name; they stay owned by this object. */
  values(): ParameterMap {
    return this.averages;
  }

  dispose(): void {
    tf.dispose([...this.averages.values()]);
  }
}
