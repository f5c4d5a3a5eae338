import type * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import {
  type AttendOptions,
  type BlockResult,
  type BlockWeights,
  type KeyValues,
  transformerBlock,
  transformerBlockWithKeyValues,
} from '../ops/transformer-block.ts';
import { FeedForward } from './feed-forward.ts';
import { LayerNorm } from './layer-norm.ts';
import { Module } from './module.ts';
import { SelfAttention, type SelfAttentionOptions } from './self-attention.ts';

/** Settings of a {@link TransformerBlock}. */
export interface TransformerBlockOptions extends SelfAttentionOptions {
  /** Width of the feed-forward layer as a multiple of `size`; 4 unless given. */
  readonly expansion?: number;
  readonly key: Key;
}

/** A pre-norm transformer block; parts `attentionNorm`, `attention`, `feedForwardNorm`, `feedForward`. */
export class TransformerBlock extends Module {
  readonly attentionNorm: LayerNorm;
  readonly attention: SelfAttention;
  readonly feedForwardNorm: LayerNorm;
  readonly feedForward: FeedForward;

  constructor({ size, heads, expansion = 4, key }: TransformerBlockOptions) {
    super();
    this.attentionNorm = this.child('attentionNorm', new LayerNorm(size));
    this.attention = this.child('attention', new SelfAttention({ size, heads, key: key.fold('attention') }));
    this.feedForwardNorm = this.child('feedForwardNorm', new LayerNorm(size));
    this.feedForward = this.child(
      'feedForward',
      new FeedForward({ size, expansion, key: key.fold('feedForward') }),
    );
  }

  /** The attention's keys and values of `x [batch, tokens, size]`, without the rest of the block. */
  keyValues(x: tf.Tensor3D): KeyValues {
    return this.attention.keyValues(this.attentionNorm.forward(x));
  }

  /** `x [batch, tokens, size]` to `[batch, targets, size]`. */
  forward(x: tf.Tensor3D, options: AttendOptions = {}): tf.Tensor3D {
    return transformerBlock(x, this.weights(), { ...options, heads: this.attention.heads });
  }

  /** {@link forward} with the tokens' own keys and values. */
  forwardWithKeyValues(x: tf.Tensor3D, options: AttendOptions = {}): BlockResult {
    return transformerBlockWithKeyValues(x, this.weights(), { ...options, heads: this.attention.heads });
  }

  private weights(): BlockWeights {
    const { attentionNorm, attention, feedForwardNorm, feedForward } = this;
    return {
      ...attention.weights(),
      ...feedForward.weights(),
      attentionGain: attentionNorm.gain,
      attentionBias: attentionNorm.bias,
      forwardGain: feedForwardNorm.gain,
      forwardBias: feedForwardNorm.bias,
    };
  }
}
