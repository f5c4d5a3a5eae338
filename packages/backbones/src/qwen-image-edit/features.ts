import * as tf from '@tensorflow/tfjs-core';
import type { TokenGrid } from './transformer/rope.ts';
import type { EmbeddedCondition, QwenImageTransformer } from './transformer/transformer.ts';

/** What text encoder and autoencoder make of one condition. */
export interface EditFeatures {
  /** States of the prompt `[1, tokens, textWidth]`. */
  readonly text: tf.Tensor3D;
  /** Packed latents of all references `[1, tokens, inChannels]`. */
  readonly references: tf.Tensor3D;
  /** The result, then each reference. */
  readonly grids: readonly TokenGrid[];
}

/** Embeds features once each and lays them out in rows: row `i` has the condition `rows[i]`. */
export function embedFeatures(
  transformer: QwenImageTransformer,
  features: readonly EditFeatures[],
  rows: readonly number[],
): EmbeddedCondition {
  const longest = Math.max(...features.map(({ text }) => text.shape[1]));
  const once = transformer.condition({
    text: tf.concat(
      features.map(({ text }) => padded(text, longest)),
      0,
    ),
    textMask: paddingMask(features, longest),
    references: tf.concat(
      features.map(({ references }) => references),
      0,
    ),
    grids: features[0]!.grids,
  });
  if (rows.length === features.length && rows.every((row, index) => row === index)) return once;
  const index = tf.tensor1d([...rows], 'int32');
  return {
    ...once,
    text: tf.gather(once.text, index),
    references: once.references && tf.gather(once.references, index),
    mask: once.mask && tf.gather(once.mask, index),
  };
}

function padded(text: tf.Tensor3D, tokens: number): tf.Tensor3D {
  const missing = tokens - text.shape[1];
  return missing === 0
    ? text
    : tf.pad(text, [
        [0, 0],
        [0, missing],
        [0, 0],
      ]);
}

/** Bool `[conditions, tokens]`; undefined where all texts are equally long. */
function paddingMask(features: readonly EditFeatures[], tokens: number): tf.Tensor2D | undefined {
  if (features.every(({ text }) => text.shape[1] === tokens)) return undefined;
  const marks = features.map(({ text }) => Array.from({ length: tokens }, (_, i) => i < text.shape[1]));
  return tf.tensor2d(marks.flat().map(Number), [features.length, tokens], 'bool');
}
