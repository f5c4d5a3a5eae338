import * as tf from '@tensorflow/tfjs-core';
import {
  castStorageLike,
  type Linear,
  Module,
  RmsNorm,
  type RotaryTables,
  rotaryEmbedding,
} from '@thinkrl/nn';
import type { VisionConfig } from './config.ts';
import { GatedFeedForward, unsetLinear } from './layers.ts';
import { type Segments, segmentAttention } from './segments.ts';

/** How patches attend in one block. */
export interface VisionAttendOptions {
  /** Angles of each patch, `[patches, head size / 2]`. */
  readonly rotary: RotaryTables;
  /** Windows or frames: the patches that attend to each other. */
  readonly segments: Segments;
}

/** Self-attention of patches inside segments; parts `qkv` and `proj`. */
export class VisionAttention extends Module {
  readonly heads: number;
  readonly qkv: Linear;
  readonly proj: Linear;

  constructor({ width, heads }: VisionConfig) {
    super();
    this.heads = heads;
    this.qkv = this.child('qkv', unsetLinear({ inputs: width, outputs: 3 * width, bias: true }));
    this.proj = this.child('proj', unsetLinear({ inputs: width, outputs: width, bias: true }));
  }

  /** `x [patches, width]` to the same shape. */
  forward(x: tf.Tensor2D, { rotary, segments }: VisionAttendOptions): tf.Tensor2D {
    const [patches, width] = x.shape;
    const [query, key, value] = tf.split(this.qkv.forward(x), 3, 1).map((part) => this.perHead(part));
    // Turned in float32, whatever the storage of the patches.
    const turned = (part: tf.Tensor3D) =>
      castStorageLike(tf.squeeze<tf.Tensor3D>(rotaryEmbedding(tf.expandDims(part, 0), rotary), [0]), x);
    const mixed = segmentAttention({ query: turned(query!), key: turned(key!), value: value! }, segments);
    return this.proj.forward(tf.reshape(mixed, [patches, width]) as tf.Tensor2D);
  }

  private perHead(part: tf.Tensor): tf.Tensor3D {
    const [patches, width] = part.shape as [number, number];
    return tf.reshape(part, [patches, this.heads, width / this.heads]);
  }
}

/** A block of the vision tower; parts `norm1`, `norm2`, `attn` and `mlp`. */
export class VisionBlock extends Module {
  readonly norm1: RmsNorm;
  readonly norm2: RmsNorm;
  readonly attention: VisionAttention;
  readonly feedForward: GatedFeedForward;

  constructor(config: VisionConfig) {
    super();
    const { width, inner } = config;
    this.norm1 = this.child('norm1', new RmsNorm(width));
    this.norm2 = this.child('norm2', new RmsNorm(width));
    this.attention = this.child('attn', new VisionAttention(config));
    this.feedForward = this.child('mlp', new GatedFeedForward({ width, inner, bias: true }));
  }

  /** `x [patches, width]` to the same shape. */
  forward(x: tf.Tensor2D, options: VisionAttendOptions): tf.Tensor2D {
    const attended = tf.add<tf.Tensor2D>(x, this.attention.forward(this.norm1.forward(x), options));
    return tf.add(attended, this.feedForward.forward(this.norm2.forward(attended)));
  }
}
