import type * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type Key } from '@thinkrl/spec';
import {
  type AttendOptions,
  type AttentionWeights,
  type KeyValues,
  projections,
  selfAttention,
} from '../ops/transformer-block.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** Settings of {@link SelfAttention}. */
export interface SelfAttentionOptions {
  readonly size: number;
  readonly heads: number;
  readonly key: Key;
}

/** Multi-head self-attention with one joint projection; parts `qkv` and `output`. */
export class SelfAttention extends Module {
  readonly heads: number;
  readonly qkv: Linear;
  readonly output: Linear;

  /** Throws {@link ConfigError} when `size` is not a multiple of `heads`. */
  constructor({ size, heads, key }: SelfAttentionOptions) {
    super();
    if (size % heads !== 0)
      throw new ConfigError({ field: 'heads', value: heads, fix: `use a divisor of ${size}` });
    this.heads = heads;
    this.qkv = this.child('qkv', new Linear({ inputs: size, outputs: 3 * size, key: key.fold('qkv') }));
    this.output = this.child('output', new Linear({ inputs: size, outputs: size, key: key.fold('output') }));
  }

  /** The weights as the attention operations take them. */
  weights(): AttentionWeights {
    const { qkv, output } = this;
    return {
      qkvWeight: qkv.effectiveWeight(),
      qkvBias: qkv.bias,
      outputWeight: output.effectiveWeight(),
      outputBias: output.bias,
    };
  }

  /** Keys and values alone of `x [batch, tokens, size]`, for tokens that only others attend to. */
  keyValues(x: tf.Tensor3D): KeyValues {
    const [, key, value] = projections(this.qkv.forward(x), this.heads, 3);
    return { key: key!, value: value! };
  }

  /** `x [batch, tokens, size]` to `[batch, targets, size]`. */
  forward(x: tf.Tensor3D, options: AttendOptions = {}): tf.Tensor3D {
    return selfAttention(x, this.weights(), { ...options, heads: this.heads }).output;
  }
}
