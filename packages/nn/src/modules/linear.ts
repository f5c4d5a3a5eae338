import type * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type Key } from '@thinkrl/spec';
import { linear } from '../ops/linear.ts';
import { uniformInitializer } from './initializer.ts';
import { Module } from './module.ts';

/** Settings of a {@link Linear} layer. */
export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether there is a bias; true unless given. */
  readonly bias?: boolean;
  /** `uniform` in ±1/sqrt(inputs) unless given, or all `zero`. */
  readonly start?: 'uniform' | 'zero';
  readonly key: Key;
}

/** `x [..., inputs]` to `[..., outputs]`; parameters `weight [outputs, inputs]` and `bias [outputs]`. */
export class Linear extends Module {
  readonly weight: tf.Variable;
  readonly bias: tf.Variable | undefined;

  /** Throws {@link ConfigError} on sizes that are not positive integers. */
  constructor({ inputs, outputs, bias = true, start = 'uniform', key }: LinearOptions) {
    super();
    for (const [field, value] of Object.entries({ inputs, outputs }))
      if (!Number.isInteger(value) || value < 1)
        throw new ConfigError({ field, value, fix: 'use a positive integer' });
    const limit = start === 'zero' ? 0 : 1 / Math.sqrt(inputs);
    this.weight = this.parameter('weight', uniformInitializer([outputs, inputs], limit, key.fold('weight')));
    this.bias = bias
      ? this.parameter('bias', uniformInitializer([outputs], limit, key.fold('bias')))
      : undefined;
  }

  /** Applies the layer along the last axis. */
  forward<T extends tf.Tensor>(x: T): T {
    return linear(x, this.weight, this.bias);
  }
}
