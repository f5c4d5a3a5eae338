import type * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import { embedding } from '../ops/embedding.ts';
import { normalInitializer } from './initializer.ts';
import { Module } from './module.ts';

/** Settings of an {@link Embedding}. */
export interface EmbeddingOptions {
  readonly vocabulary: number;
  readonly size: number;
  /** Standard deviation at the start; 0.05 unless given. */
  readonly deviation?: number;
  readonly key: Key;
}

/** A learned vector per id; parameter `weight [vocabulary, size]`. */
export class Embedding extends Module {
  readonly weight: tf.Variable;

  constructor({ vocabulary, size, deviation = 0.05, key }: EmbeddingOptions) {
    super();
    this.weight = this.parameter('weight', normalInitializer([vocabulary, size], deviation, key));
  }

  /** Vectors of `ids` (int32, any shape): `[...ids.shape, size]`. */
  forward(ids: tf.Tensor): tf.Tensor {
    return embedding(this.weight as tf.Tensor as tf.Tensor2D, ids);
  }
}
