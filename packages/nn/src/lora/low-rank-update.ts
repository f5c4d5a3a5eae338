import * as tf from '@tensorflow/tfjs-core';
import type { Key } from '@thinkrl/spec';
import { Module } from '../modules/module.ts';
import { castStorage, castStorageLike } from '../ops/cast-storage.ts';
import { keyedNormal } from '../ops/keyed-normal.ts';
import { linear } from '../ops/linear.ts';

/** What an adapter is to one layer. */
export interface LowRankOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly rank: number;
  /** Factor on the product of both matrices. */
  readonly scale: number;
  /** Whether the update counts at the moment. */
  readonly acts: () => boolean;
  readonly key: Key;
}

/**
 * A low-rank update of a linear layer (LoRA, arXiv 2106.09685): `scale · B A x` with parameters `lora_A.weight`
 * `[rank, inputs]`, normal of deviation 1 / rank at the start, and `lora_B.weight` `[outputs, rank]`, zero. The draws are
 * decided by the key, row by row, and are the same on every engine up to float rounding.
 */
export class LowRankUpdate extends Module {
  readonly a: tf.Variable;
  readonly b: tf.Variable;
  readonly rank: number;
  readonly scale: number;
  /** The scale on the device: a number would be sent there at every use. */
  private readonly factor: tf.Scalar;
  private readonly isActing: () => boolean;

  constructor({ inputs, outputs, rank, scale, acts, key }: LowRankOptions) {
    super();
    this.rank = rank;
    this.scale = scale;
    this.factor = tf.keep(tf.scalar(scale));
    this.isActing = acts;
    const start = () => tf.div(keyedNormal(key.split(rank), [inputs]), rank);
    this.a = this.parameter('lora_A.weight', tf.tidy(start));
    this.b = this.parameter('lora_B.weight', tf.fill([outputs, rank], 0));
  }

  /** Whether the update counts at the moment. */
  get acts(): boolean {
    return this.isActing();
  }

  /** `x [..., inputs]` to `[..., outputs]`, computed in the storage of `x` as mixed-precision training does. */
  forward<T extends tf.Tensor>(x: T): T {
    const inner = tf.mul(linear(x, castStorageLike<tf.Tensor>(this.a, x)), this.factor) as T;
    return linear(inner, castStorageLike<tf.Tensor>(this.b, x));
  }

  /** `weight [outputs, inputs]` with `sign` times the update, computed in float32, in the storage of `weight`. */
  addedTo(weight: tf.Tensor, sign: 1 | -1 = 1): tf.Tensor {
    const product = tf.matMul(this.b as tf.Tensor as tf.Tensor2D, this.a as tf.Tensor as tf.Tensor2D);
    const sum = tf.add(castStorage(weight, 'float32'), tf.mul(product, sign * this.scale));
    return castStorageLike(sum, weight);
  }

  override dispose(): void {
    super.dispose();
    this.factor.dispose();
  }
}
