import * as tf from '@tensorflow/tfjs-core';
import { layerNorm } from '@thinkrl/nn';

/** Added to the variance in every layer norm. */
const EPSILON = 1e-6;

/** How many tokens from the first on, and what they are modulated by. */
export interface ModulatedRun {
  readonly tokens: number;
  /** Shift, scale and gate of the attention, then of the feed-forward layer: `[6 width]` or `[batch, 1, 6 width]`. */
  readonly vectors: tf.Tensor;
}

/** The half of a block. */
export type Half = 'attention' | 'feedForward';

/** Adaptive layer norm of one stream of a block, by runs of tokens that may differ in their noise level. */
export class Modulation {
  private readonly runs: readonly Run[];

  constructor(runs: readonly ModulatedRun[]) {
    this.runs = runs
      .filter(({ tokens }) => tokens > 0)
      .map(({ tokens, vectors }) => ({ tokens, parts: tf.split(vectors, 6, -1) }));
  }

  /** `LN(x) (1 + scale) + shift` of `x [batch, tokens, width]`. */
  norm(x: tf.Tensor3D, half: Half): tf.Tensor3D {
    return this.byRun(x, (part, vectors) => {
      const [shift, scale] = vectors.slice(half === 'attention' ? 0 : 3) as [tf.Tensor, tf.Tensor];
      return modulatedNorm(part, scale, shift);
    });
  }

  /** `gate x`. */
  gate(x: tf.Tensor3D, half: Half): tf.Tensor3D {
    return this.byRun(x, (part, vectors) =>
      tf.mul<tf.Tensor3D>(part, vectors[half === 'attention' ? 2 : 5]!),
    );
  }

  private byRun(
    x: tf.Tensor3D,
    fn: (part: tf.Tensor3D, vectors: readonly tf.Tensor[]) => tf.Tensor3D,
  ): tf.Tensor3D {
    if (this.runs.length === 1) return fn(x, this.runs[0]!.parts);
    const parts = tf.split<tf.Tensor3D>(
      x,
      this.runs.map(({ tokens }) => tokens),
      1,
    );
    return tf.concat(
      parts.map((part, index) => fn(part, this.runs[index]!.parts)),
      1,
    );
  }
}

interface Run {
  readonly tokens: number;
  readonly parts: readonly tf.Tensor[];
}

/** `LN(x) (1 + scale) + shift` without parameters of its own; `scale` and `shift` are `[width]` or `[batch, 1, width]`. */
export function modulatedNorm(x: tf.Tensor3D, scale: tf.Tensor, shift: tf.Tensor): tf.Tensor3D {
  const gain: tf.Tensor = tf.add(scale, 1);
  if (gain.rank === 1) return layerNorm(x, { gain, bias: shift }, EPSILON);
  return tf.add(tf.mul(layerNorm(x, {}, EPSILON), gain), shift);
}
