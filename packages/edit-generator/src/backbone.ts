import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { EditCondition, Image } from '@thinkrl/spec';
import type { ReferenceCache } from './reference-cache.ts';

/**
 * Everything about a batch of edit conditions that does not change from one denoising step to the next: encoded text,
 * reference features. Owned by the caller of `encode`, released by `dispose`; inside `tf.tidy` or a gradient closure
 * the tensors belong to that scope and `dispose` need not be called.
 */
export interface Conditioning {
  /** Number of conditions in the batch. */
  readonly size: number;
  dispose(): void;
}

/**
 * A generation module: predicts the flow-matching velocity `v = noise - x_0` (method section 5).
 *
 * One file per backbone. `encode` and `velocity` run under the gradient tape while training, so they use tfjs ops only.
 */
export interface EditBackbone<C extends Conditioning = Conditioning> {
  readonly name: string;
  /** Where `encode` takes the frozen features of references from; whoever trains keeps them during an iteration. */
  readonly references?: ReferenceCache;
  /** Latent shape of one edit, without the batch axis. */
  latentShape(condition: EditCondition): readonly number[];
  /** Encodes text and references once per batch of edits; reused by every denoising step. */
  encode(conditions: readonly EditCondition[]): C;
  /** Velocity at noise level `sigma` in (0, 1]: `latents [edits, ...latentShape]` to the same shape. */
  velocity(latents: Tensor, sigma: number, conditioning: C): Tensor;
  /** Trainable parameters by checkpoint name. */
  parameters(): ReadonlyMap<string, Variable>;
}

/** Turns pictures into latents and back. */
export interface ImageCodec {
  /** Pictures to latents `[images, ...latentShape]`. */
  encode(images: readonly Image[]): Tensor;
  /** Latents `[images, ...latentShape]` to pictures with values clipped to [0, 1]. */
  decode(latents: Tensor): Promise<readonly Image[]>;
}
