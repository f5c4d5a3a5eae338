import * as tf from '@tensorflow/tfjs-core';
import type { EditCondition } from '@thinkrl/spec';
import type { Conditioning, EditBackbone } from '../backbone.ts';
import { ReferenceCache } from '../reference-cache.ts';
import { imageTensor } from './identity-codec.ts';

/** Mean of the target distribution of each edit: `[edits, height, width, 3]`. */
export interface GaussianConditioning extends Conditioning {
  readonly mean: tf.Tensor;
}

/** Options of {@link gaussianBackbone}. */
export interface GaussianBackboneOptions {
  /**
   * Standard deviation of the edits around their mean.
   * @defaultValue 0.1
   */
  readonly deviation?: number;
}

/** A backbone whose edits are known exactly. */
export interface GaussianBackbone extends EditBackbone<GaussianConditioning> {
  /** Keeps the pixels of first references. */
  readonly references: ReferenceCache;
  /** Colour added to the reference: `[3]`, the only parameter. */
  readonly shift: tf.Variable;
}

/**
 * The exact velocity field of edits that are Gaussian around their first reference plus a trainable colour `shift`:
 * at noise level `s`, latents have mean `(1 - s) m` and variance `(1 - s)^2 c^2 + s^2`, and
 * `v = (s - (1 - s) c^2) / variance * (x - (1 - s) m) - m`. A text of one character or less points away from the
 * reference, so that guidance has something to do.
 *
 * @example
 * const sampler = createEditSampler({ backbone: gaussianBackbone(), codec: identityCodec, steps: 4 });
 */
export function gaussianBackbone({ deviation = 0.1 }: GaussianBackboneOptions = {}): GaussianBackbone {
  const shift = tf.variable(tf.zeros([3]), true, undefined);
  const pixels = new ReferenceCache(imageTensor);
  return {
    name: 'gaussian',
    shift,
    references: pixels,
    latentShape: ({ references }) => [references[0]!.height, references[0]!.width, 3],
    encode: (conditions) => {
      const mean = tf.tidy(() => {
        const sign = tf.tensor(conditions.map(signOf), [conditions.length, 1, 1, 1]);
        const features = pixels.features(conditions.map(({ references }) => references[0]!));
        return tf.mul(tf.add(features, shift), sign);
      });
      return { size: conditions.length, mean, dispose: () => mean.dispose() };
    },
    velocity: (latents, sigma, { mean }) => {
      const signal = 1 - sigma;
      const variance = signal * signal * deviation * deviation + sigma * sigma;
      const slope = (sigma - signal * deviation * deviation) / variance;
      return tf.tidy(() => tf.sub(tf.mul(tf.sub(latents, tf.mul(mean, signal)), slope), mean));
    },
    parameters: () => new Map([['shift', shift]]),
  };
}

function signOf({ text }: EditCondition): number {
  return text.length > 1 ? 1 : -1;
}
