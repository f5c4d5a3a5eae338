import * as tf from '@tensorflow/tfjs-core';
import { type Linear, linear, Module, type ParameterMap } from '@thinkrl/nn';
import type { QwenVlConfig } from './config.ts';
import { QwenVlInputError } from './error.ts';
import { LanguageModel } from './language-model.ts';
import { unsetLinear } from './layers.ts';
import { under } from './names.ts';
import type { Patches } from './patches.ts';
import { VisionTower } from './vision-tower.ts';

/** Token ids in rows of one length, and the pictures they have place for, in reading order. */
export interface TokenRows {
  /** Int32 `[rows, tokens]`, row-major. */
  readonly ids: Int32Array;
  readonly rows: number;
  readonly tokens: number;
  readonly patches?: Patches | undefined;
}

/**
 * Qwen2.5-VL: a vision tower and a language model. Made without weights, which take no storage until they are loaded.
 * Parameters are named as transformers names them: `model.visual.*`, `model.language_model.*`, `lm_head.weight`.
 */
export class QwenVl extends Module {
  readonly config: QwenVlConfig;
  readonly visual: VisionTower;
  readonly language: LanguageModel;
  /** Absent where the output layer is the embedding table. */
  readonly head: Linear | null;

  constructor(config: QwenVlConfig) {
    super();
    const { vision, language } = config;
    this.config = config;
    this.visual = this.child('model.visual', new VisionTower(vision));
    this.language = this.child('model.language_model', new LanguageModel(language));
    const { width, vocabulary } = language;
    this.head = language.tied
      ? null
      : this.child('lm_head', unsetLinear({ inputs: width, outputs: vocabulary, bias: false }));
  }

  /** Tokens of pictures: `[cells, width]`. */
  pictures({ data, numbers, grids }: Patches, remember?: ParameterMap): tf.Tensor2D {
    const patches = tf.tensor2d(data, [data.length / numbers, numbers]);
    return this.visual.forward(
      patches,
      this.visual.layout(grids),
      remember && under(remember, 'model.visual.'),
    );
  }

  /**
   * Embedded tokens `[rows, tokens, width]`, those of pictures in place of the picture tokens.
   *
   * @throws QwenVlInputError when pictures and picture tokens do not match.
   */
  embed({ ids, rows, tokens, patches }: TokenRows, remember?: ParameterMap): tf.Tensor3D {
    const pictures =
      patches === undefined || patches.grids.length === 0 ? null : this.pictures(patches, remember);
    const words = this.language.words.forward(tf.tensor1d(ids, 'int32')) as tf.Tensor2D;
    const index = this.pictureIndex(ids, pictures?.shape[0] ?? 0);
    const joined =
      pictures === null ? words : tf.gather(tf.concat([words, pictures], 0), tf.tensor1d(index, 'int32'));
    return tf.reshape(joined, [rows, tokens, this.config.language.width]);
  }

  /** Logits of hidden states `[..., width]`: `[..., vocabulary]`. */
  logits<T extends tf.Tensor>(hidden: T): T {
    return this.head === null ? linear(hidden, this.language.words.weight) : this.head.forward(hidden);
  }

  /** The output layer's weight `[vocabulary, width]`. */
  headWeight(): tf.Variable {
    return this.head === null ? this.language.words.weight : this.head.weight;
  }

  /** Where each token's vector lies among words, then pictures. */
  private pictureIndex(ids: Int32Array, cells: number): Int32Array {
    let cell = 0;
    const index = ids.map((id, i) => (id === this.config.imageToken ? ids.length + cell++ : i));
    if (cell !== cells)
      throw new QwenVlInputError(`the text has place for ${cell} picture tokens, the pictures have ${cells}`);
    return index;
  }
}
