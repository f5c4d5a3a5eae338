import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type Key } from '@thinkrl/spec';
import { attention } from '../ops/attention.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** Keys and values of one attention layer, `[batch, sources, heads, size]` each. */
export interface KeyValues {
  readonly key: tf.Tensor4D;
  readonly value: tf.Tensor4D;
}

/** Settings of {@link SelfAttention}. */
export interface SelfAttentionOptions {
  readonly size: number;
  readonly heads: number;
  readonly key: Key;
}

/** How tokens attend in one call. */
export interface AttendOptions {
  /** Bool, broadcastable to `[batch, heads, targets, sources]`: true where a target may attend. */
  readonly mask?: tf.Tensor | undefined;
  /** Turns the new tokens' keys and values into those to attend to, such as what a cache holds with them. */
  readonly sources?: ((fresh: KeyValues) => KeyValues) | undefined;
  /** Only the last so many tokens ask, by the last rows of the mask; all tokens are still attended to. */
  readonly targets?: number | undefined;
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

  /** Query, key and value of `x [batch, tokens, size]`, each `[batch, tokens, heads, size / heads]`. */
  project(x: tf.Tensor3D): readonly [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D] {
    const [batch, tokens, size] = x.shape;
    const shape: [number, number, number, number] = [batch, tokens, this.heads, size / this.heads];
    const [query, key, value] = tf.split(this.qkv.forward(x), 3, -1);
    return [tf.reshape(query!, shape), tf.reshape(key!, shape), tf.reshape(value!, shape)];
  }

  /** Keys and values alone of `x [batch, tokens, size]`, for tokens that only others attend to. */
  keyValues(x: tf.Tensor3D): KeyValues {
    const [, key, value] = this.project(x);
    return { key, value };
  }

  /** `x [batch, tokens, size]` to `[batch, targets, size]`. */
  forward(x: tf.Tensor3D, options: AttendOptions = {}): tf.Tensor3D {
    const [all, key, value] = this.project(x);
    const sources = options.sources?.({ key, value }) ?? { key, value };
    const query = lastTokens(all, options.targets);
    const mask = lastRows(options.mask, options.targets);
    const mixed = attention({ query, ...sources, mask });
    return this.output.forward(tf.reshape(mixed, [mixed.shape[0], mixed.shape[1], x.shape[2]]));
  }
}

/** The last `count` tokens of `x [batch, tokens, ...]`; `x` itself without a count. */
export function lastTokens<T extends tf.Tensor>(x: T, count: number | undefined): T {
  return lastAlong(x, 1, count);
}

/** The mask's rows of the last `count` targets, unless one row serves all. */
function lastRows(mask: tf.Tensor | undefined, count: number | undefined): tf.Tensor | undefined {
  if (mask === undefined || mask.shape[mask.rank - 2] === 1) return mask;
  return lastAlong(mask, mask.rank - 2, count);
}

function lastAlong<T extends tf.Tensor>(x: T, axis: number, count: number | undefined): T {
  const extent = x.shape[axis]!;
  if (count === undefined || count === extent) return x;
  const start = x.shape.map((_, i) => (i === axis ? extent - count : 0));
  const size = x.shape.map((all, i) => (i === axis ? count : all));
  return tf.slice(x, start, size) as T;
}
