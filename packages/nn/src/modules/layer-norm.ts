import * as tf from '@tensorflow/tfjs-core';
import { layerNorm } from '../ops/layer-norm.ts';
import { Module } from './module.ts';

/** Layer normalisation over the last axis with parameters `gain` and `bias`, both `[size]`. */
export class LayerNorm extends Module {
  readonly gain: tf.Variable;
  readonly bias: tf.Variable;
  readonly epsilon: number;

  constructor(size: number, epsilon = 1e-5) {
    super();
    this.gain = this.parameter('gain', tf.ones([size]));
    this.bias = this.parameter('bias', tf.zeros([size]));
    this.epsilon = epsilon;
  }

  /** Normalises `x [..., size]`. */
  forward<T extends tf.Tensor>(x: T): T {
    return layerNorm(x, { gain: this.gain, bias: this.bias }, this.epsilon);
  }
}
