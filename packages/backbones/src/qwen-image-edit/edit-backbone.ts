import * as tf from '@tensorflow/tfjs-core';
import type { Conditioning, EditBackbone } from '@thinkrl/edit-generator';
import { noGrad, type ParameterMap } from '@thinkrl/nn';
import type { EditCondition, Image } from '@thinkrl/spec';
import { checkTrainableNames } from '../trainable-names.ts';
import { encodeImages } from './codec.ts';
import { QwenImageInputError } from './error.ts';
import { type EditFeatures, embedFeatures } from './features.ts';
import { LevelCache } from './level-cache.ts';
import {
  checkPictures,
  outputSize,
  type PipelineKind,
  type PipelineSizes,
  prepareCondition,
} from './pipeline/pipeline.ts';
import type { PixelSize } from './pipeline/sizes.ts';
import { bfloat16Level } from './transformer/timestep.ts';
import type { EmbeddedCondition, LevelVectors, QwenImageTransformer } from './transformer/transformer.ts';
import { checkpointedUnits, type RunUnit } from './transformer/unit.ts';
import { pixelsPerLatent } from './vae/config.ts';
import type { QwenImageVae } from './vae/vae.ts';

/** What embeds prompts with pictures: `QwenVlTextEncoder` of the qwen2-5-vl entry, or another. */
export interface PromptEncoder<Read = unknown> {
  /** Reads a whole prompt; `images` stand where it has its picture tokens. Host data. */
  read(prompt: string, images: readonly Image[]): Read;
  /** States of what was read after its first 64 tokens: `[1, tokens, width]`. */
  encode(read: Read): tf.Tensor3D;
}

/** What a {@link QwenImageBackbone} is made of. */
export interface QwenImageBackboneOptions {
  readonly transformer: QwenImageTransformer;
  readonly vae: QwenImageVae;
  readonly textEncoder: PromptEncoder;
  readonly kind: PipelineKind;
  readonly sizes?: PipelineSizes;
  /** Trainable parameters by checkpoint name, such as an adapter's; the transformer's own unless given. */
  readonly trainable?: ParameterMap;
  /** Runs the transformer's blocks; checkpointed unless given. */
  readonly runUnit?: RunUnit;
  /**
   * Rounds noise levels as a bfloat16 pipeline does.
   * @defaultValue false
   */
  readonly roundLevels?: boolean;
}

/** Encoded conditions of a batch of edits. */
export interface QwenImageConditioning extends Conditioning {
  readonly embedded: EmbeddedCondition;
}

/**
 * Qwen-Image-Edit as a generation module. Latents are packed, `[edits, height / 16, width / 16, 64]`. Equal conditions of a
 * batch, such as a group's, are encoded once; text encoder and autoencoder get no gradient.
 *
 * @example
 * const adapter = LoraAdapter.attach(transformer, { rank: 64, alpha: 128, targets: LORA_TARGETS, key });
 * const backbone = new QwenImageBackbone({ transformer, vae, textEncoder, kind, trainable: adapter.parameters() });
 */
export class QwenImageBackbone implements EditBackbone<QwenImageConditioning> {
  readonly name = 'qwen-image-edit';
  readonly transformer: QwenImageTransformer;
  private readonly options: QwenImageBackboneOptions;
  private readonly trainable: ParameterMap;
  private readonly runUnit: RunUnit;
  private readonly levels: LevelCache | undefined;

  /** Throws ConfigError for trainable parameters that are not named by places of the transformer. */
  constructor(options: QwenImageBackboneOptions) {
    const { transformer, trainable = transformer.parameters() } = options;
    checkTrainableNames(transformer, trainable);
    this.options = options;
    this.transformer = transformer;
    this.trainable = trainable;
    this.runUnit = options.runUnit ?? checkpointedUnits(trainable);
    this.levels = this.trains(/^time_text_embed\.|_mod\.1\.|^norm_out\./)
      ? undefined
      : new LevelCache((level) => transformer.levelVectors([level]));
  }

  /** `[height / 16, width / 16, 64]` of the result. Throws {@link QwenImageInputError} for pictures that do not fit. */
  latentShape({ references }: EditCondition): readonly number[] {
    const { kind, sizes, transformer } = this.options;
    checkPictures(kind, references);
    const { height, width } = this.gridOf(outputSize(kind, references, sizes));
    return [height, width, transformer.config.inChannels];
  }

  /** Throws {@link QwenImageInputError} for pictures that do not fit the pipeline or each other's sizes. */
  encode(conditions: readonly EditCondition[]): QwenImageConditioning {
    const { different, rows } = distinct(conditions);
    return this.condition(() => noGrad(() => different.map((condition) => this.features(condition))), rows);
  }

  /** What text encoder and autoencoder make of a condition. */
  features(condition: EditCondition): EditFeatures {
    const { kind, sizes, textEncoder, vae } = this.options;
    const { size, prompt, seen, references } = prepareCondition(kind, condition, sizes);
    const text = textEncoder.encode(textEncoder.read(prompt, seen));
    const latents = references.map((image) => encodeImages(vae, [image]));
    const grids = [this.gridOf(size), ...references.map((image) => this.gridOf(image))];
    const flat = latents.map((tokens) => tf.reshape(tokens, [1, -1, tokens.shape[3]]) as tf.Tensor3D);
    return { text, references: tf.concat(flat, 1), grids };
  }

  /** Conditioning whose row `i` has the features `rows[i]`. */
  condition(features: () => readonly EditFeatures[], rows: readonly number[]): QwenImageConditioning {
    const embed = () => {
      const made = features();
      checkGrids(made);
      const run = () => embedFeatures(this.transformer, made, rows);
      return this.trains(/^(txt_norm|txt_in|img_in)\./) ? run() : noGrad(run);
    };
    const embedded = tf.tidy(() => embed() as unknown as tf.TensorContainer) as unknown as EmbeddedCondition;
    return { size: rows.length, embedded, dispose: () => release(embedded) };
  }

  /** The transformer's answer; with frozen modulation the vectors of a level are made once. */
  velocity(latents: tf.Tensor, sigma: number, { embedded }: QwenImageConditioning): tf.Tensor {
    const level = this.options.roundLevels === true ? bfloat16Level(sigma) : sigma;
    return tf.tidy(() => {
      const [rows, height, width, numbers] = latents.shape as [number, number, number, number];
      const tokens = tf.reshape(latents, [rows, height * width, numbers]) as tf.Tensor3D;
      const vectors: LevelVectors = this.levels?.at(level) ?? this.transformer.levelVectors([level]);
      const velocity = this.transformer.predict(tokens, embedded, {
        vectors,
        runUnit: this.runUnit,
        trainModulation: this.levels === undefined,
      });
      return tf.reshape(velocity, latents.shape);
    });
  }

  parameters(): ParameterMap {
    return this.trainable;
  }

  /** Forgets the modulation of noise levels, such as after weights have been loaded. */
  forget(): void {
    this.levels?.dispose();
  }

  /** Releases what the backbone keeps; the models stay the caller's. */
  dispose(): void {
    this.forget();
  }

  private gridOf({ width, height }: PixelSize) {
    const pixels = 2 * pixelsPerLatent(this.options.vae.config);
    return { height: height / pixels, width: width / pixels };
  }

  private trains(names: RegExp): boolean {
    return [...this.trainable.keys()].some((name) => names.test(name));
  }
}

/** Conditions that differ, and which of them each row has. */
function distinct(conditions: readonly EditCondition[]): {
  readonly different: readonly EditCondition[];
  readonly rows: readonly number[];
} {
  const different: EditCondition[] = [];
  const rows = conditions.map((condition) => {
    const known = different.findIndex((other) => isSame(other, condition));
    return known >= 0 ? known : different.push(condition) - 1;
  });
  return { different, rows };
}

function isSame(a: EditCondition, b: EditCondition): boolean {
  if (a === b) return true;
  return (
    a.text === b.text &&
    a.references.length === b.references.length &&
    a.references.every((image, index) => image === b.references[index])
  );
}

function checkGrids(features: readonly EditFeatures[]): void {
  const [first, ...others] = features.map(({ grids }) => JSON.stringify(grids));
  if (first === undefined) throw new QwenImageInputError('there is no condition to encode');
  const other = others.find((grids) => grids !== first);
  if (other !== undefined)
    throw new QwenImageInputError(
      `conditions of one batch need pictures of the same sizes; token grids are ${first} and ${other}`,
    );
}

function release({ text, references, tables, mask }: EmbeddedCondition): void {
  tf.dispose([text, tables.cosine, tables.sine]);
  references?.dispose();
  mask?.dispose();
}
