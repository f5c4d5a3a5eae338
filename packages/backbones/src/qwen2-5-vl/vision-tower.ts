import * as tf from '@tensorflow/tfjs-core';
import {
  castStorageLike,
  gelu,
  type Linear,
  linear,
  Module,
  type ParameterMap,
  placeholder,
  RmsNorm,
  type RotaryTables,
  type TensorFunction,
} from '@thinkrl/nn';
import type { VisionConfig } from './config.ts';
import { unsetLinear } from './layers.ts';
import { under } from './names.ts';
import type { PatchGrid } from './patches.ts';
import { runBlock } from './rerun.ts';
import { turns } from './rotary.ts';
import { type Segments, segmentsOf } from './segments.ts';
import { VisionBlock } from './vision-block.ts';
import { inverseOrder, patchOrder, type VisionLayout, visionLayout } from './vision-layout.ts';

/** A layout as tensors; they belong to the surrounding `tf.tidy`. */
export interface VisionArrangement {
  /** Patches in window order, int32. */
  readonly order: tf.Tensor1D;
  /** Merged cells back from window order, int32. */
  readonly cellsBack: tf.Tensor1D;
  /** In window order. */
  readonly rotary: RotaryTables;
  readonly windows: Segments;
  readonly frames: Segments;
}

/** Patches to vectors, a convolution whose stride is its kernel: parameter `proj.weight`, no bias. */
class PatchEmbedding extends Module {
  readonly weight: tf.Variable;

  constructor({ width, channels, temporalPatch, patch }: VisionConfig) {
    super();
    this.weight = this.parameter('proj.weight', placeholder([width, channels, temporalPatch, patch, patch]));
  }

  /** `patches [patches, numbers]` to `[patches, width]`. */
  forward(patches: tf.Tensor2D): tf.Tensor2D {
    const weight = tf.reshape(this.weight as tf.Tensor, [this.weight.shape[0]!, -1]) as tf.Tensor2D;
    return linear(castStorageLike(patches, this.weight), weight);
  }
}

/** Joins the patches of each merged cell into one token; parts `ln_q`, `mlp.0`, `mlp.2`. */
class PatchMerger extends Module {
  readonly norm: RmsNorm;
  readonly inner: Linear;
  readonly outer: Linear;
  private readonly joined: number;

  constructor({ width, merge, outputs }: VisionConfig) {
    super();
    this.joined = width * merge ** 2;
    this.norm = this.child('ln_q', new RmsNorm(width));
    this.inner = this.child('mlp.0', unsetLinear({ inputs: this.joined, outputs: this.joined, bias: true }));
    this.outer = this.child('mlp.2', unsetLinear({ inputs: this.joined, outputs, bias: true }));
  }

  /** `x [patches, width]` to `[cells, outputs]`. */
  forward(x: tf.Tensor2D): tf.Tensor2D {
    const cells = tf.reshape(this.norm.forward(x), [-1, this.joined]) as tf.Tensor2D;
    return this.outer.forward(gelu(this.inner.forward(cells)));
  }
}

/** The vision tower of Qwen2.5-VL: window attention in most blocks, whole frames in some. */
export class VisionTower extends Module {
  readonly config: VisionConfig;
  readonly embedding: PatchEmbedding;
  readonly blocks: readonly VisionBlock[];
  readonly merger: PatchMerger;

  constructor(config: VisionConfig) {
    super();
    this.config = config;
    this.embedding = this.child('patch_embed', new PatchEmbedding(config));
    this.blocks = Array.from({ length: config.depth }, (_, i) =>
      this.child(`blocks.${i}`, new VisionBlock(config)),
    );
    this.merger = this.child('merger', new PatchMerger(config));
  }

  /** Lays out pictures; see {@link visionLayout}. */
  layout(grids: readonly PatchGrid[]): VisionLayout {
    return visionLayout(grids, this.config);
  }

  /** The tensors of a layout. */
  arrange({ windowOrder, windowLengths, frameLengths, angles, patches }: VisionLayout): VisionArrangement {
    const order = tf.tensor1d(patchOrder(windowOrder, this.config.merge), 'int32');
    const { cosine, sine } = turns(angles);
    const inWindowOrder = (table: Float32Array) =>
      tf.gather(tf.tensor2d(table, [patches, angles.length / patches]), order);
    return {
      order,
      cellsBack: tf.tensor1d(inverseOrder(windowOrder), 'int32'),
      rotary: { cosine: inWindowOrder(cosine), sine: inWindowOrder(sine) },
      windows: segmentsOf(windowLengths),
      frames: segmentsOf(frameLengths),
    };
  }

  /** Whether patches attend to their window or to their whole frame in a block. */
  segmentsIn(block: number, { windows, frames }: VisionArrangement): Segments {
    return this.config.fullAttention.includes(block) ? frames : windows;
  }

  /**
   * Tokens of pictures, `patches [patches, numbers]` in the processor's order to `[cells, outputs]`. With `remember`, the
   * parameters to be differentiated by, blocks are computed again in the backward pass instead of being kept.
   */
  forward(patches: tf.Tensor2D, layout: VisionLayout, remember?: ParameterMap): tf.Tensor2D {
    const arrangement = this.arrange(layout);
    const { cosine, sine } = arrangement.rotary;
    let x = tf.gather(this.embedding.forward(patches), arrangement.order);
    this.blocks.forEach((block, i) => {
      const { groups, order } = this.segmentsIn(i, arrangement);
      const fn = (input: tf.Tensor, cosine: tf.Tensor, sine: tf.Tensor, ...order: tf.Tensor[]) =>
        block.forward(input as tf.Tensor2D, {
          rotary: { cosine, sine },
          segments: { groups, order: order as unknown as Segments['order'] },
        });
      const own = remember && under(remember, `blocks.${i}.`);
      x = runBlock(x, { fn: fn as TensorFunction, constants: [cosine, sine, ...order], remember: own });
    });
    return tf.gather(this.merger.forward(x), arrangement.cellsBack);
  }
}
