import * as tf from '@tensorflow/tfjs-core';
import {
  headLogProbs,
  type Linear,
  linear,
  Module,
  noGrad,
  type ParameterMap,
  type StorageType,
  type TokenLogProbs,
} from '@thinkrl/nn';
import type { QwenVlConfig } from './config.ts';
import { QwenVlInputError } from './error.ts';
import { LanguageModel, type RunOptions } from './language-model.ts';
import { unsetLinear } from './layers.ts';
import { under } from './names.ts';
import type { Patches } from './patches.ts';
import { type PositionRows, rotaryTables } from './positions.ts';
import { VisionTower } from './vision-tower.ts';

/** Token ids in rows of one length, and the pictures they have place for, in reading order. */
export interface TokenRows {
  /** Int32 `[rows, tokens]`, row-major. */
  readonly ids: Int32Array;
  readonly rows: number;
  readonly tokens: number;
  readonly patches?: Patches | undefined;
  /** Where the tokens of pictures lie among all; where the picture token is unless given. */
  readonly places?: readonly number[] | undefined;
}

/** How tokens go through the whole model. */
export interface ForwardOptions extends Omit<RunOptions, 'rotary'> {
  readonly positions: PositionRows;
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

  /** What weights are stored and computed in. */
  readonly storage: StorageType;

  constructor(config: QwenVlConfig, storage: StorageType = 'float32') {
    super();
    const { vision, language } = config;
    this.config = config;
    this.storage = storage;
    this.visual = this.child('model.visual', new VisionTower(vision));
    this.language = this.child('model.language_model', new LanguageModel(language));
    const { width, vocabulary } = language;
    this.head = language.tied
      ? null
      : this.child('lm_head', unsetLinear({ inputs: width, outputs: vocabulary, bias: false }));
  }

  /** Tokens of pictures: `[cells, width]`; constants where `remember` has no parameter of the vision tower. */
  pictures({ data, numbers, grids }: Patches, remember?: ParameterMap): tf.Tensor2D {
    const own = remember && under(remember, 'model.visual.');
    const run = () => {
      const patches = tf.tensor2d(data, [data.length / numbers, numbers]);
      return this.visual.forward(patches, this.visual.layout(grids), own);
    };
    return own?.size === 0 ? noGrad(run) : run();
  }

  /**
   * Embedded tokens `[rows, tokens, width]`, those of pictures in place of the picture tokens.
   *
   * @throws QwenVlInputError when pictures and picture tokens do not match.
   */
  embed({ ids, rows, tokens, patches, places }: TokenRows, remember?: ParameterMap): tf.Tensor3D {
    const pictures =
      patches === undefined || patches.grids.length === 0 ? null : this.pictures(patches, remember);
    const words = this.language.words.forward(tf.tensor1d(ids, 'int32')) as tf.Tensor2D;
    const index = this.pictureIndex(ids, places, pictures?.shape[0] ?? 0);
    const joined =
      pictures === null ? words : tf.gather(tf.concat([words, pictures], 0), tf.tensor1d(index, 'int32'));
    return tf.reshape(joined, [rows, tokens, this.config.language.width]);
  }

  /** Hidden states after the last norm: `[rows, tokens, width]`. */
  forward(rows: TokenRows, { positions, mask, cache, remember }: ForwardOptions): tf.Tensor3D {
    return this.language.forward(this.embed(rows, remember), {
      rotary: rotaryTables(positions, this.config.language),
      mask,
      cache,
      remember: remember && under(remember, 'model.language_model.'),
    });
  }

  /** Logits of hidden states `[..., width]`: `[..., vocabulary]`. */
  logits<T extends tf.Tensor>(hidden: T): T {
    return this.head === null ? linear(hidden, this.language.words.weight) : this.head.forward(hidden);
  }

  /**
   * Log-probabilities of `ids [rows]` (int32) under the logits of hidden states `[rows, width]`, and entropies. The output
   * layer gets a gradient where it is among `trainable`.
   */
  tokenScores(hidden: tf.Tensor2D, ids: tf.Tensor1D, trainable: ParameterMap): TokenLogProbs {
    const table = this.head === null ? this.language.words.weight : this.head.weight;
    const frozen = ![...trainable.values()].includes(table);
    return headLogProbs({ hidden, weight: table as tf.Tensor as tf.Tensor2D, frozen }, ids);
  }

  /** Where each token's vector lies among words, then pictures. */
  private pictureIndex(ids: Int32Array, places: TokenRows['places'], cells: number): Int32Array {
    const at = places ?? [...ids.keys()].filter((i) => ids[i] === this.config.imageToken);
    if (at.length !== cells)
      throw new QwenVlInputError(
        `the text has place for ${at.length} picture tokens, the pictures have ${cells}`,
      );
    const index = ids.map((_, i) => i);
    at.forEach((place, cell) => {
      index[place] = ids.length + cell;
    });
    return index;
  }
}
