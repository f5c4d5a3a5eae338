import type * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import { embedding } from '../ops/embedding.ts';
import { placeholder } from '../ops/placeholder.ts';
import { normalInitializer } from './initializer.ts';
import { Module } from './module.ts';

/** Settings of an {@link Embedding}. */
export interface EmbeddingOptions {
  readonly vocabulary: number;
  readonly size: number;
  /** Standard deviation at the start; 0.05 unless given. */
  readonly deviation?: number;
  /** `normal` unless given, or `unset`: zeros without storage, to be loaded. */
  readonly start?: 'normal' | 'unset';
  readonly key: Key;
}

/** A learned vector per id; parameter `weight [vocabulary, size]`. */
export class Embedding extends Module {
  readonly weight: tf.Variable;

  constructor({ vocabulary, size, deviation = 0.05, start = 'normal', key }: EmbeddingOptions) {
    super();
    const shape = [vocabulary, size];
    this.weight = this.parameter(
      'weight',
      start === 'unset' ? placeholder(shape) : normalInitializer(shape, deviation, key),
    );
  }

  /** Vectors of `ids` (int32, any shape): `[...ids.shape, size]`. */
  forward(ids: tf.Tensor): tf.Tensor {
    return embedding(this.weight as tf.Tensor as tf.Tensor2D, ids);
  }
}
