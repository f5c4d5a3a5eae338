import type * as tf from '@tensorflow/tfjs-core';
import { placeholder } from '../ops/placeholder.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import { Module } from './module.ts';

/** Root-mean-square normalisation over the last axis with parameter `weight [size]`, which is to be loaded. */
export class RmsNorm extends Module {
  readonly weight: tf.Variable;
  readonly epsilon: number;

  constructor(size: number, epsilon = 1e-6) {
    super();
    this.weight = this.parameter('weight', placeholder([size]));
    this.epsilon = epsilon;
  }

  /** Normalises `x [..., size]`. */
  forward<T extends tf.Tensor>(x: T): T {
    return rmsNorm(x, this.weight, this.epsilon);
  }
}
