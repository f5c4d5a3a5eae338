import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type Key } from '@thinkrl/spec';
import type { LowRankUpdate } from '../lora/low-rank-update.ts';
import { linear } from '../ops/linear.ts';
import { placeholder } from '../ops/placeholder.ts';
import { uniformInitializer } from './initializer.ts';
import { Module } from './module.ts';

/** Settings of a {@link Linear} layer. */
export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether there is a bias; true unless given. */
  readonly bias?: boolean;
  /** `uniform` in ±1/sqrt(inputs) unless given, all `zero`, or `unset`: zeros without storage, to be loaded. */
  readonly start?: 'uniform' | 'zero' | 'unset';
  readonly key: Key;
}

/** `x [..., inputs]` to `[..., outputs]`; parameters `weight [outputs, inputs]` and `bias [outputs]`. */
export class Linear extends Module {
  readonly weight: tf.Variable;
  readonly bias: tf.Variable | undefined;
  private readonly updates = new Set<LowRankUpdate>();

  /** Throws {@link ConfigError} on sizes that are not positive integers. */
  constructor({ inputs, outputs, bias = true, start = 'uniform', key }: LinearOptions) {
    super();
    for (const [field, value] of Object.entries({ inputs, outputs }))
      if (!Number.isInteger(value) || value < 1)
        throw new ConfigError({ field, value, fix: 'use a positive integer' });
    const limit = start === 'zero' ? 0 : 1 / Math.sqrt(inputs);
    const initial = (name: string, shape: number[]) =>
      start === 'unset' ? placeholder(shape) : uniformInitializer(shape, limit, key.fold(name));
    this.weight = this.parameter('weight', initial('weight', [outputs, inputs]));
    this.bias = bias ? this.parameter('bias', initial('bias', [outputs])) : undefined;
  }

  /** Adds `update` to what the layer computes, until {@link detach}. */
  attach(update: LowRankUpdate): void {
    this.updates.add(update);
  }

  /** Undoes {@link attach}. */
  detach(update: LowRankUpdate): void {
    this.updates.delete(update);
  }

  /** The weight with what is attached to it: for operations that take weights and not layers. */
  effectiveWeight(): tf.Tensor {
    return this.acting().reduce((sum, update) => update.addedTo(sum), this.weight as tf.Tensor);
  }

  /** Applies the layer along the last axis. */
  forward<T extends tf.Tensor>(x: T): T {
    return this.acting().reduce(
      (sum, update) => tf.add(sum, update.forward(x)) as T,
      linear(x, this.weight, this.bias),
    );
  }

  private acting(): readonly LowRankUpdate[] {
    return [...this.updates].filter((update) => update.acts);
  }
}
