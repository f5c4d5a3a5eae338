import type * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import { gelu } from '../ops/gelu.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** Settings of a {@link FeedForward}. */
export interface FeedForwardOptions {
  readonly size: number;
  /** Inner width as a multiple of `size`; 4 unless given. */
  readonly expansion?: number;
  readonly key: Key;
}

/** Two linear layers with an exact GELU between them; parts `up` and `down`. */
export class FeedForward extends Module {
  readonly up: Linear;
  readonly down: Linear;

  constructor({ size, expansion = 4, key }: FeedForwardOptions) {
    super();
    const inner = size * expansion;
    this.up = this.child('up', new Linear({ inputs: size, outputs: inner, key: key.fold('up') }));
    this.down = this.child('down', new Linear({ inputs: inner, outputs: size, key: key.fold('down') }));
  }

  /** The weights as {@link transformerBlock} takes them. */
  weights() {
    const { up, down } = this;
    return {
      upWeight: up.effectiveWeight(),
      upBias: up.bias,
      downWeight: down.effectiveWeight(),
      downBias: down.bias,
    };
  }

  /** `x [..., size]` to the same shape. */
  forward<T extends tf.Tensor>(x: T): T {
    return this.down.forward(gelu(this.up.forward(x)));
  }
}
