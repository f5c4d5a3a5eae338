import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type EditCondition } from '@thinkrl/spec';
import type { Conditioning, EditBackbone } from './backbone.ts';

/**
 * True classifier-free guidance: `combined = negative + scale (positive - negative)`, brought back to the norm of the
 * positive velocity over the last axis, without an epsilon (Qwen-Image-Edit). Shapes `[..., channels]`.
 */
export function guideVelocity(
  positive: tf.Tensor,
  negative: tf.Tensor,
  { scale, rescale = true }: { readonly scale: number; readonly rescale?: boolean },
): tf.Tensor {
  const combined = tf.add(negative, tf.mul(tf.sub(positive, negative), scale));
  if (!rescale) return combined;
  return tf.mul(combined, tf.div(lastAxisNorm(positive), lastAxisNorm(combined)));
}

function lastAxisNorm(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x), -1, true));
}

/** Options of {@link withGuidance}. */
export interface GuidanceOptions {
  /** Above 1; Qwen-Image-Edit uses 4. */
  readonly scale: number;
  /**
   * Text of the negative condition; its pictures are those of the positive one.
   * @defaultValue ' '
   */
  readonly negativeText?: string;
  /** @defaultValue true */
  readonly rescale?: boolean;
}

/** Positive and negative conditions of a batch. */
export interface GuidedConditioning<C extends Conditioning> extends Conditioning {
  readonly positive: C;
  readonly negative: C;
}

/**
 * A backbone that is guided away from a negative text. Sampling and scoring see the same backbone, so guidance is the
 * same in both; gradients go through both branches.
 *
 * @throws ConfigError for a scale of 1 or less, where guidance does nothing but cost.
 * @example
 * const guided = withGuidance(backbone, { scale: 4 });
 */
export function withGuidance<C extends Conditioning>(
  backbone: EditBackbone<C>,
  options: GuidanceOptions,
): EditBackbone<GuidedConditioning<C>> {
  const { scale, negativeText = ' ', rescale = true } = options;
  if (!(scale > 1))
    throw new ConfigError({
      field: 'scale',
      value: scale,
      fix: 'use more than 1, or the backbone without guidance',
    });
  return {
    name: backbone.name,
    ...(backbone.references && { references: backbone.references }),
    latentShape: (condition) => backbone.latentShape(condition),
    encode: (conditions) => {
      const positive = backbone.encode(conditions);
      const negative = backbone.encode(conditions.map((condition) => withText(condition, negativeText)));
      const dispose = () => {
        positive.dispose();
        negative.dispose();
      };
      return { size: conditions.length, positive, negative, dispose };
    },
    velocity: (latents, sigma, { positive, negative }) =>
      guideVelocity(
        backbone.velocity(latents, sigma, positive),
        backbone.velocity(latents, sigma, negative),
        { scale, rescale },
      ),
    parameters: () => backbone.parameters(),
  };
}

function withText(condition: EditCondition, text: string): EditCondition {
  return { ...condition, text };
}
