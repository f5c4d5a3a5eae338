import * as tf from '@tensorflow/tfjs-core';
import { Module } from '@thinkrl/nn';

/** Units of a stack, and numbers in each: as many as are laid out without a gap over two ranks, and over three but for zeros. */
const LAYERS = 4;
const SIZE = 32;

/** One vector. */
class Layer extends Module {
  private readonly weight: tf.Variable;

  constructor(first: number) {
    super();
    this.weight = this.parameter('weight', tf.div(tf.range(first, first + SIZE, 1), 64));
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.sin(tf.add(tf.mul(x, this.weight), this.weight));
  }
}

/** Layers that are used in any order. */
export class Stack extends Module {
  readonly layers: readonly Layer[];

  constructor(seed: number) {
    super();
    this.layers = Array.from({ length: LAYERS }, (_, i) =>
      this.child(`layers.${i}`, new Layer(7 * seed + 3 * i)),
    );
  }
}

/** What comes of some layers of a stack, one after the other. */
export function lossOf({ layers }: Stack, order: readonly number[]): tf.Scalar {
  const x = order.reduce<tf.Tensor>((y, layer) => layers[layer % LAYERS]!.forward(y), tf.ones([SIZE]));
  return tf.mean(tf.square(x)) as tf.Scalar;
}

/** Something that a rank does: it uses layers of a stack, with gradients or without, has them all whole, waits, or fails. */
export interface Way {
  readonly kind: 'look' | 'learn' | 'hold' | 'wait' | 'fail';
  readonly stack: 0 | 1;
  readonly layers: readonly number[];
}

/** What each rank does inside one `inStep`. */
export interface Case {
  /** Units that are sent for without asking at most. */
  readonly ahead: number;
  readonly ways: readonly (readonly Way[])[];
}

/** What a rank found. */
export interface Wayward {
  readonly seen: readonly number[];
  readonly failure: string | null;
  readonly collectives: number;
  /** Units that are whole afterwards. */
  readonly here: number;
  /** Gradients by unit. */
  readonly slopes: readonly (readonly number[])[];
}
