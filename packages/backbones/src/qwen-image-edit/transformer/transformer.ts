import * as tf from '@tensorflow/tfjs-core';
import {
  castStorage,
  castStorageLike,
  type Linear,
  Module,
  RmsNorm,
  type RotaryTables,
  silu,
} from '@thinkrl/nn';
import { type BlockVectors, QwenImageBlock, type TokenCounts } from './block.ts';
import type { TransformerConfig } from './config.ts';
import { modulatedNorm } from './modulation.ts';
import { imageTokens, ropeTables, type TokenGrid } from './rope.ts';
import { loadedLinear } from './stream.ts';
import { TIME_FEATURES, timeFeatures } from './timestep.ts';
import { type BlockUnit, plainUnits, type RunUnit, type UnitRun } from './unit.ts';

/** What an edit is conditioned on, before it is embedded. */
export interface ConditionInputs {
  /** States of the text encoder `[batch, textTokens, textWidth]`. */
  readonly text: tf.Tensor3D;
  /** Bool `[batch, textTokens]`: false where a text is padded; all count unless given. */
  readonly textMask?: tf.Tensor2D | undefined;
  /** Packed latents of all references `[batch, tokens, inChannels]`, one after the other. */
  readonly references?: tf.Tensor3D | undefined;
  /** The noisy image, then each reference. */
  readonly grids: readonly TokenGrid[];
}

/** An embedded condition: the same in every denoising step. */
export interface EmbeddedCondition {
  readonly counts: TokenCounts;
  /** `[batch, textTokens, width]`. */
  readonly text: tf.Tensor3D;
  /** `[batch, tokens, width]`. */
  readonly references: tf.Tensor3D | undefined;
  readonly tables: RotaryTables;
  readonly mask: tf.Tensor4D | undefined;
}

/** Every modulation of one noise level: it depends on nothing else, so a whole group shares it. */
export interface LevelVectors {
  readonly blocks: readonly BlockVectors[];
  /** Scale and shift before the output: `[2 width]`, or `[batch, 1, 2 width]`. */
  readonly output: tf.Tensor;
}

/** Settings of {@link QwenImageTransformer.predict}. */
export interface PredictOptions {
  /** Modulation of the noise level. */
  readonly vectors: LevelVectors;
  /** Runs each block; as it is unless given. */
  readonly runUnit?: RunUnit;
  /** Differentiate by the modulation too; false unless given, for what is frozen costs nothing. */
  readonly trainModulation?: boolean;
  /** Image tokens to give, from the first; the noisy ones unless given. */
  readonly keep?: number;
}

/**
 * The generation module of Qwen-Image-Edit: a double-stream transformer that predicts flow-matching velocities of packed
 * latents. Parameters are named as in the released checkpoints and take no storage until they are loaded.
 */
export class QwenImageTransformer extends Module {
  readonly config: TransformerConfig;
  readonly imageIn: Linear;
  readonly textNorm: RmsNorm;
  readonly textIn: Linear;
  readonly timeIn: Linear;
  readonly timeOut: Linear;
  readonly blocks: readonly QwenImageBlock[];
  readonly normOut: Linear;
  readonly output: Linear;
  private readonly stack: readonly BlockUnit[];

  constructor(config: TransformerConfig) {
    super();
    const { heads, headSize, inChannels, textWidth, tokenNumbers } = config;
    const width = heads * headSize;
    const linear = (place: string, inputs: number, outputs: number) =>
      this.child(place, loadedLinear(inputs, outputs));
    this.config = config;
    this.timeIn = linear('time_text_embed.timestep_embedder.linear_1', TIME_FEATURES, width);
    this.timeOut = linear('time_text_embed.timestep_embedder.linear_2', width, width);
    this.textNorm = this.child('txt_norm', new RmsNorm(textWidth));
    this.imageIn = linear('img_in', inChannels, width);
    this.textIn = linear('txt_in', textWidth, width);
    this.blocks = Array.from({ length: config.blocks }, (_, index) =>
      this.child(`transformer_blocks.${index}`, new QwenImageBlock(config)),
    );
    this.stack = this.blocks.map(unitOf);
    this.normOut = linear('norm_out.linear', width, 2 * width);
    this.output = linear('proj_out', width, tokenNumbers);
  }

  /** The blocks as units, in the order in which they run. */
  units(): readonly BlockUnit[] {
    return this.stack;
  }

  /** Embeds what does not change from step to step. */
  condition({ text, textMask, references, grids }: ConditionInputs): EmbeddedCondition {
    const [batch, textTokens] = text.shape;
    const noisy = grids[0]!.height * grids[0]!.width;
    const images = imageTokens(grids);
    return {
      counts: { text: textTokens, noisy, references: images - noisy },
      text: this.textIn.forward(this.textNorm.forward(castStorageLike(text, this.textNorm.weight))),
      references: references && this.embedLatents(references),
      tables: ropeTables({ grids, textTokens }, this.config.ropeAxes),
      mask:
        textMask && tf.reshape(tf.concat([textMask, tf.ones([batch, images], 'bool')], 1), [batch, 1, 1, -1]),
    };
  }

  /** Modulation of one noise level for all rows, or of one per row. */
  levelVectors(levels: readonly number[]): LevelVectors {
    const activated = silu(this.embedLevels(levels));
    const rows = levels.length;
    const shaped = (vectors: tf.Tensor2D) =>
      rows === 1 ? tf.reshape(vectors, [-1]) : tf.expandDims<tf.Tensor>(vectors, 1);
    const own = firstRows(activated, rows);
    const blocks = this.blocks.map(({ text, image }): BlockVectors => {
      const vectors = image.modulation.forward(activated);
      const noisy = shaped(firstRows(vectors, rows));
      const clean = this.config.zeroCondT ? tf.reshape(tf.slice(vectors, [rows, 0]), [-1]) : noisy;
      return { text: shaped(text.modulation.forward(own)), noisy, references: clean };
    });
    return { blocks, output: shaped(this.normOut.forward(own)) };
  }

  /** Embedded noise levels `[levels, width]`; with `zeroCondT` one more row, of level 0, for the references. */
  embedLevels(levels: readonly number[]): tf.Tensor2D {
    const all = this.config.zeroCondT ? [...levels, 0] : levels;
    const features = tf.tensor2d(timeFeatures(all), [all.length, TIME_FEATURES]);
    const inner = this.timeIn.forward(castStorageLike(features, this.timeIn.weight));
    return this.timeOut.forward(silu(inner));
  }

  /** Velocity of packed noisy latents `[batch, tokens, inChannels]`: `[batch, keep, tokenNumbers]`, float32. */
  predict(latents: tf.Tensor3D, condition: EmbeddedCondition, options: PredictOptions): tf.Tensor3D {
    const { vectors, runUnit = plainUnits, trainModulation = false, keep = condition.counts.noisy } = options;
    const images = [this.embedLatents(latents), ...(condition.references ? [condition.references] : [])];
    let tokens = tf.concat([condition.text, ...images], 1);
    this.stack.forEach((unit, index) => {
      const last = index === this.blocks.length - 1 ? keep : undefined;
      const run = blockRun(this.blocks[index]!, { tokens, condition, vectors: vectors.blocks[index]!, last });
      tokens = runUnit(unit, trainModulation ? run : frozenVectors(run)) as tf.Tensor3D;
    });
    const [scale, shift] = tf.split(vectors.output, 2, -1);
    const normed = modulatedNorm(tokens, scale!, shift!);
    return castStorage(this.output.forward(normed), 'float32');
  }

  private embedLatents(latents: tf.Tensor3D): tf.Tensor3D {
    return this.imageIn.forward(castStorageLike(latents, this.imageIn.weight));
  }
}

function unitOf(block: QwenImageBlock, index: number): BlockUnit {
  const place = `transformer_blocks.${index}`;
  const named = [...block.parameters()].map(([name, variable]) => [`${place}.${name}`, variable] as const);
  return { place, parameters: new Map(named) };
}

interface BlockCall {
  readonly tokens: tf.Tensor3D;
  readonly condition: EmbeddedCondition;
  readonly vectors: BlockVectors;
  /** Image tokens to give where the block is the last. */
  readonly last: number | undefined;
}

/** A block as a function of its tokens and modulation, with tables and mask as constants. */
function blockRun(block: QwenImageBlock, { tokens, condition, vectors, last }: BlockCall): UnitRun {
  const { counts, tables, mask } = condition;
  const apart = vectors.references !== vectors.noisy;
  const fn = (...args: tf.Tensor[]) => {
    const [x, text, noisy, ...rest] = args as [tf.Tensor3D, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
    const references = apart ? rest.shift()! : noisy;
    const [cosine, sine, visible] = rest as [tf.Tensor, tf.Tensor, tf.Tensor?];
    const inputs = { counts, vectors: { text, noisy, references }, tables: { cosine, sine }, mask: visible };
    return last === undefined ? block.forward(x, inputs) : block.forwardLast(x, inputs, last);
  };
  return {
    fn,
    inputs: [tokens, vectors.text, vectors.noisy, ...(apart ? [vectors.references] : [])],
    constants: [tables.cosine, tables.sine, ...(mask ? [mask] : [])],
  };
}

/** The same run with its modulation among the constants. */
function frozenVectors({ fn, inputs, constants }: UnitRun): UnitRun {
  return { fn, inputs: inputs.slice(0, 1), constants: [...inputs.slice(1), ...constants] };
}

function firstRows(x: tf.Tensor2D, rows: number): tf.Tensor2D {
  return x.shape[0] === rows ? x : tf.slice(x, [0, 0], [rows, -1]);
}
