import * as tf from '@tensorflow/tfjs-core';
import {
  attention,
  type LayerCache,
  type Linear,
  Module,
  RmsNorm,
  type RotaryTables,
  rotaryEmbedding,
} from '@thinkrl/nn';
import type { LanguageConfig } from './config.ts';
import { GatedFeedForward, unsetLinear } from './layers.ts';

/** How tokens attend in one layer. */
export interface DecoderAttendOptions {
  /** `[rows, tokens, head size / 2]`. */
  readonly rotary: RotaryTables;
  /** Bool `[rows, 1, tokens | 1, sources]`: true where a token may attend; besides the mask, only to what is before it. */
  readonly mask?: tf.Tensor | undefined;
  /** Earlier tokens; the new ones are added. */
  readonly cache?: LayerCache | undefined;
}

/** Causal attention with fewer heads of keys and values; parts `q_proj`, `k_proj`, `v_proj`, `o_proj`. */
export class DecoderAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  private readonly config: LanguageConfig;

  constructor(config: LanguageConfig) {
    super();
    this.config = config;
    const { width, heads, keyHeads, headSize } = config;
    const projection = (count: number) =>
      unsetLinear({ inputs: width, outputs: count * headSize, bias: true });
    this.query = this.child('q_proj', projection(heads));
    this.key = this.child('k_proj', projection(keyHeads));
    this.value = this.child('v_proj', projection(keyHeads));
    this.output = this.child(
      'o_proj',
      unsetLinear({ inputs: heads * headSize, outputs: width, bias: false }),
    );
  }

  /** `x [rows, tokens, width]` to the same shape. */
  forward(x: tf.Tensor3D, { rotary, mask, cache }: DecoderAttendOptions): tf.Tensor3D {
    const query = rotaryEmbedding(this.perHead(this.query.forward(x)), rotary);
    const fresh = {
      key: rotaryEmbedding(this.perHead(this.key.forward(x)), rotary),
      value: this.perHead(this.value.forward(x)),
    };
    const sources = cache === undefined ? fresh : cache.append(fresh);
    const mixed = attention({ query, ...sources, mask, causal: true });
    const [rows, tokens] = x.shape;
    return this.output.forward(tf.reshape(mixed, [rows, tokens, -1]) as tf.Tensor3D);
  }

  private perHead(x: tf.Tensor3D): tf.Tensor4D {
    const [rows, tokens, width] = x.shape;
    const { headSize } = this.config;
    return tf.reshape(x, [rows, tokens, width / headSize, headSize]);
  }
}

/** A layer of the language model; parts `self_attn`, `mlp`, `input_layernorm`, `post_attention_layernorm`. */
export class DecoderLayer extends Module {
  readonly attention: DecoderAttention;
  readonly feedForward: GatedFeedForward;
  readonly attentionNorm: RmsNorm;
  readonly feedForwardNorm: RmsNorm;

  constructor(config: LanguageConfig) {
    super();
    const { width, inner, epsilon } = config;
    this.attention = this.child('self_attn', new DecoderAttention(config));
    this.feedForward = this.child('mlp', new GatedFeedForward({ width, inner, bias: false }));
    this.attentionNorm = this.child('input_layernorm', new RmsNorm(width, epsilon));
    this.feedForwardNorm = this.child('post_attention_layernorm', new RmsNorm(width, epsilon));
  }

  /** `x [rows, tokens, width]` to the same shape. */
  forward(x: tf.Tensor3D, options: DecoderAttendOptions): tf.Tensor3D {
    const attended = tf.add<tf.Tensor3D>(x, this.attention.forward(this.attentionNorm.forward(x), options));
    return tf.add(attended, this.feedForward.forward(this.feedForwardNorm.forward(attended)));
  }
}
