import * as tf from '@tensorflow/tfjs-core';
import type { ParameterMap } from '@thinkrl/nn';
import { ConfigError, type Image } from '@thinkrl/spec';
import { QwenVlInputError } from './error.ts';
import type { QwenVlModels } from './load.ts';
import { positionRows, positionsOf } from './positions.ts';
import type { EncodedText } from './processor.ts';

/** Settings of a {@link QwenVlTextEncoder}. */
export interface TextEncoderOptions extends QwenVlModels {
  /** First tokens whose states are left out: those of the system's turn. 64 unless given, as Qwen-Image-Edit has it. */
  readonly dropped?: number;
  /** Parameters that states are differentiated by; layers are then computed again in the backward pass. */
  readonly trainable?: ParameterMap;
}

/**
 * Qwen2.5-VL as the text encoder of Qwen-Image-Edit: hidden states after the last norm.
 *
 * @example
 * const states = encoder.encode(encoder.read(text, [image])); // [1, tokens, width]
 */
export class QwenVlTextEncoder {
  private readonly options: TextEncoderOptions;
  private readonly dropped: number;

  /** Throws ConfigError when `dropped` is not a whole number. */
  constructor(options: TextEncoderOptions) {
    const { dropped = 64 } = options;
    if (!Number.isInteger(dropped) || dropped < 0)
      throw new ConfigError({ field: 'dropped', value: dropped, fix: 'use a whole number' });
    this.options = options;
    this.dropped = dropped;
  }

  /** Tokens and patches of a whole text with one `<|image_pad|>` for each picture: host data. */
  read(text: string, images: readonly Image[] = []): EncodedText {
    return this.options.processor.encode(text, images);
  }

  /**
   * States of what was read: `[1, tokens - dropped, width]`, differentiable.
   *
   * @throws QwenVlInputError for a text of no more than `dropped` tokens.
   */
  encode({ ids, patches }: EncodedText): tf.Tensor3D {
    if (ids.length <= this.dropped)
      throw new QwenVlInputError(`the text has ${ids.length} tokens, the first ${this.dropped} are left out`);
    const { model, trainable } = this.options;
    const { imageToken, vision } = model.config;
    return tf.tidy(() => {
      const positions = positionsOf(ids, { grids: patches.grids, imageToken, merge: vision.merge });
      const size = { rows: 1, tokens: ids.length };
      const hidden = model.forward(
        { ids, patches, ...size },
        { positions: positionRows([{ positions, row: 0, start: 0 }], size), remember: trainable },
      );
      return tf.slice(hidden, [0, this.dropped, 0], [1, -1, -1]);
    });
  }
}
