import * as tf from '@tensorflow/tfjs-core';
import { attention, FeedForward, type KeyValues, Linear, layerNorm, Module } from '@thinkrl/nn';
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
    const [key, value] = tf.split(this.text.forward(text), 2, -1) as [tf.Tensor3D, tf.Tensor3D];
    return { key: this.byHead(key), value: this.byHead(value) };
  }

  /** `x [rows, 16, width]` to the same shape; `mask` is bool `[rows, 1, 1, 16 + words]`. */
  forward(
    x: tf.Tensor3D,
    time: Modulation,
    { text, mask }: { text: KeyValues; mask: tf.Tensor | undefined },
  ): tf.Tensor3D {
    const modulation = tf.split(tf.add(time, this.offset), 6, -1);
    const [scale, shift, gate, scaleForward, shiftForward, gateForward] = modulation as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const mixed = this.attend(modulated(x, scale, shift), { text, mask });
    const attended = tf.add(x, tf.mul(gate, mixed)) as tf.Tensor3D;
    const forward = this.feedForward.forward(modulated(attended, scaleForward, shiftForward));
    return tf.add(attended, tf.mul(gateForward, forward));
  }

  private attend(
    x: tf.Tensor3D,
    { text, mask }: { text: KeyValues; mask: tf.Tensor | undefined },
  ): tf.Tensor3D {
    const [query, key, value] = tf.split(this.qkv.forward(x), 3, -1) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const mixed = attention({
      query: this.byHead(query),
      key: tf.concat([this.byHead(key), text.key], 1),
      value: tf.concat([this.byHead(value), text.value], 1),
      mask,
    });
    return this.output.forward(tf.reshape(mixed, x.shape));
  }

  private byHead(x: tf.Tensor3D): tf.Tensor4D {
    const [rows, tokens, width] = x.shape;
    return tf.reshape(x, [rows, tokens, this.heads, width / this.heads]);
  }
}

/** Layer norm without parameters of its own, scaled and shifted. */
function modulated(x: tf.Tensor3D, scale: tf.Tensor, shift: tf.Tensor): tf.Tensor3D {
  if (scale.rank === 1) return layerNorm(x, { gain: scale, bias: shift });
  return tf.add(tf.mul(layerNorm(x), scale), shift);
}

/** Scales and gates 1, shifts 0. */
function neutralModulation(width: number): tf.Tensor1D {
  const values = new Float32Array(6 * width);
  for (const part of [0, 2, 3, 5]) values.fill(1, part * width, (part + 1) * width);
  return tf.tensor1d(values);
}
