import * as tf from '@tensorflow/tfjs-core';
import { FeedForward, type KeyValues, Linear, Module, projections, transformerBlock } from '@thinkrl/nn';
import type { Key } from '@thinkrl/spec';
import type { MicroSize } from './size.ts';

/**
 * Shift, scale and gate of both halves of a block, in the order attention scale, shift, gate, feed-forward scale, shift,
 * gate: `[6 * width]` for one time shared by all rows, `[rows, 1, 6 * width]` for a time per row.
 */
export type Modulation = tf.Tensor;

/**
 * A block of the editor: image tokens attend to themselves and to the text (joint attention), modulated by time
 * (adaLN-single: one network for all blocks, a learned offset per block). Parts `qkv`, `text`, `output`, `feedForward`.
 */
export class EditorBlock extends Module {
  readonly heads: number;
  readonly offset: tf.Variable;
  readonly qkv: Linear;
  readonly text: Linear;
  readonly output: Linear;
  readonly feedForward: FeedForward;

  constructor({ width, heads }: MicroSize, key: Key) {
    super();
    this.heads = heads;
    this.offset = this.parameter('offset', neutralModulation(width));
    const linear = (name: string, outputs: number) =>
      this.child(name, new Linear({ inputs: width, outputs, key: key.fold(name) }));
    this.qkv = linear('qkv', 3 * width);
    this.text = linear('text', 2 * width);
    this.output = linear('output', width);
    this.feedForward = this.child(
      'feedForward',
      new FeedForward({ size: width, key: key.fold('feedForward') }),
    );
  }

  /** Keys and values of encoded text `[rows, words, width]`; they do not depend on time. */
  textKeyValues(text: tf.Tensor3D): KeyValues {
    const [key, value] = projections(this.text.forward(text), this.heads, 2);
    return { key: key!, value: value! };
  }

  /** `x [rows, 16, width]` to the same shape; `mask` is bool `[rows, 1, 1, words + 16]`. */
  forward(
    x: tf.Tensor3D,
    time: Modulation,
    { text, mask }: { text: KeyValues; mask: tf.Tensor | undefined },
  ): tf.Tensor3D {
    const { qkv, output, feedForward, heads } = this;
    const modulation = tf.split(tf.add(time, this.offset), 6, -1);
    const [attentionGain, attentionBias, attentionGate, forwardGain, forwardBias, forwardGate] = modulation;
    const weights = {
      ...{ attentionGain, attentionBias, attentionGate, forwardGain, forwardBias, forwardGate },
      ...feedForward.weights(),
      qkvWeight: qkv.effectiveWeight(),
      qkvBias: qkv.bias,
      outputWeight: output.effectiveWeight(),
      outputBias: output.bias,
    };
    return transformerBlock(x, weights, { heads, past: text, mask });
  }
}

/** Scales and gates 1, shifts 0. */
function neutralModulation(width: number): tf.Tensor1D {
  const values = new Float32Array(6 * width);
  for (const part of [0, 2, 3, 5]) values.fill(1, part * width, (part + 1) * width);
  return tf.tensor1d(values);
}
