import * as tf from '@tensorflow/tfjs-core';
import { noGrad } from '@thinkrl/nn';
import type { Image } from '@thinkrl/spec';

/** Pictures to features `[pictures, ...feature]`, each row of its picture alone. */
export type PictureEncoder = (images: readonly Image[]) => tf.Tensor;

/**
 * Features of reference pictures, encoded once per picture while {@link ReferenceCache.during} runs: a roll-out and its
 * updates see each reference in every step, chain, round and turn. Pictures are told apart by identity; a task's chains
 * share its pictures.
 *
 * Only what no trained weight touches belongs here: pixels laid out for the device, latents of a frozen VAE, a frozen
 * vision tower. Such features are the same whatever the weights are, before and after an update and under a reference
 * policy, so nothing has to be invalidated, and they are constants to every gradient (encoded off the tape). A trained
 * layer over them goes where `EditBackbone.encode` is: once per batch of edits, under the weights of that moment and on
 * the tape. Kept here it would be stale after an optimiser step and would get no gradient.
 *
 * @example
 * const references = new ReferenceCache((images) => vae.encode(images));
 * await references.during(async () => {
 *   // sampling, then updates; each reference goes through the VAE once
 * });
 */
export class ReferenceCache {
  private readonly encode: PictureEncoder;
  private readonly kept = new Map<Image, tf.Tensor>();
  private holders = 0;

  constructor(encode: PictureEncoder) {
    this.encode = encode;
  }

  /** Pictures whose features are kept now; 0 outside of {@link during}. */
  get size(): number {
    return this.kept.size;
  }

  /** Keeps features while `work` runs and frees them when it ends, also when it fails; may be nested and overlap. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.holders += 1;
    try {
      return await work();
    } finally {
      this.holders -= 1;
      if (this.holders === 0) this.forget();
    }
  }

  /** Features of the pictures, `[pictures, ...feature]`; the tensor is the caller's. Outside of {@link during} nothing is kept. */
  features(images: readonly Image[]): tf.Tensor {
    if (this.holders === 0) return this.encode(images);
    const distinct = [...new Set(images)];
    const fresh = distinct.filter((image) => !this.kept.has(image));
    if (fresh.length > 0) noGrad(() => this.keep(fresh));
    return tf.tidy(() => {
      const rows = tf.concat(
        distinct.map((image) => this.kept.get(image)!),
        0,
      );
      if (distinct.length === images.length) return rows;
      const rowOf = new Map(distinct.map((image, row) => [image, row]));
      return tf.gather(rows, tf.tensor1d(Int32Array.from(images, (image) => rowOf.get(image)!)));
    });
  }

  private keep(images: readonly Image[]): void {
    tf.tidy(() => {
      tf.split(this.encode(images), images.length).forEach((row, i) => {
        this.kept.set(images[i]!, tf.keep(row));
      });
    });
  }

  private forget(): void {
    tf.dispose([...this.kept.values()]);
    this.kept.clear();
  }
}
