import * as tf from '@tensorflow/tfjs-core';
import { CELL_WORD_IDS, GRID, SLOTS, VOCABULARY } from '@thinkrl/microworld';
import {
  Embedding,
  type KeyValues,
  LayerNorm,
  Linear,
  Module,
  normalInitializer,
  silu,
  TransformerBlock,
} from '@thinkrl/nn';
import type { Key } from '@thinkrl/spec';
import { EditorBlock, type Modulation } from './editor-block.ts';
import { checkSize, EDITOR_SIZE, type MicroSize } from './size.ts';
import { TIME_FEATURES, timeFeatures } from './time-features.ts';
import { paddingMask } from './token-mask.ts';
import { idTensor, type WordRows } from './words.ts';

const TEXT_BLOCKS = 2;

/** What the editor knows before denoising: the same in every step. */
export interface EditorContext {
  /** Reference, cell, address and grounding of every image token: `[rows, 16, width]`. */
  readonly base: tf.Tensor3D;
  /** Text keys and values of every block. */
  readonly text: readonly KeyValues[];
  /** Bool `[rows, 1, 1, words + 16]`; undefined when all texts are equally long. */
  readonly mask: tf.Tensor4D | undefined;
}

/**
 * The generation module: a flow-matching transformer over 16 image tokens that attends to the words of a plan. It
 * predicts the clean picture (x-prediction: 192 numbers per token do not fit through the width as noise or velocity).
 *
 * Two priors let it find named places: an address vector per cell, added to the cell's image token and to the cell's
 * word, and grounding, which adds the encoded cell word, with its operation in context, to that cell's image token.
 */
export class Editor extends Module {
  readonly size: MicroSize;
  readonly words: Embedding;
  readonly positions: tf.Variable;
  readonly cells: tf.Variable;
  readonly addresses: tf.Variable;
  readonly textBlocks: readonly TransformerBlock[];
  readonly textNorm: LayerNorm;
  readonly grounding: Linear;
  readonly noisy: Linear;
  readonly reference: Linear;
  readonly timeIn: Linear;
  readonly timeOut: Linear;
  readonly blocks: readonly EditorBlock[];
  readonly norm: LayerNorm;
  readonly output: Linear;

  /** Throws ConfigError on an impossible size. */
  constructor(key: Key, size: MicroSize = EDITOR_SIZE) {
    super();
    checkSize(size);
    const { width, heads } = size;
    this.size = size;
    const normal = (name: string, shape: number[], deviation: number) =>
      this.parameter(name, normalInitializer(shape, deviation, key.fold(name)));
    const linear = (
      name: string,
      inputs: number,
      outputs: number,
      options: { bias?: boolean; start?: 'zero' } = {},
    ) => this.child(name, new Linear({ inputs, outputs, ...options, key: key.fold(name) }));
    this.positions = normal('positions', [SLOTS.editorText, width], 0.02);
    this.cells = normal('cells', [GRID.cells, width], 0.02);
    this.addresses = normal('addresses', [GRID.cells, width], 0.3);
    this.words = this.child(
      'words',
      new Embedding({ vocabulary: VOCABULARY.length, size: width, key: key.fold('words') }),
    );
    this.textBlocks = Array.from({ length: TEXT_BLOCKS }, (_, layer) =>
      this.child(
        `textBlocks.${layer}`,
        new TransformerBlock({ size: width, heads, key: key.fold('text').fold(layer) }),
      ),
    );
    this.textNorm = this.child('textNorm', new LayerNorm(width));
    this.grounding = linear('grounding', width, width);
    this.noisy = linear('noisy', GRID.cellNumbers, width);
    this.reference = linear('reference', GRID.cellNumbers, width, { bias: false });
    this.timeIn = linear('timeIn', TIME_FEATURES, width);
    this.timeOut = linear('timeOut', width, 6 * width, { start: 'zero' });
    this.blocks = Array.from({ length: size.blocks }, (_, layer) =>
      this.child(`blocks.${layer}`, new EditorBlock(size, key.fold('block').fold(layer))),
    );
    this.norm = this.child('norm', new LayerNorm(width));
    this.output = linear('output', width, GRID.cellNumbers);
  }

  /** Encodes references `[rows, 16, 192]` and texts of at most 20 words. */
  encode(references: tf.Tensor3D, texts: WordRows): EditorContext {
    const hot = cellWords(texts);
    const embedded = tf.add(this.words.forward(idTensor(texts)), this.positionsOf(texts.length));
    const addressed = tf.add(
      embedded,
      tf.reshape(tf.matMul(flat(hot), this.addresses as tf.Tensor as tf.Tensor2D), embedded.shape),
    );
    const encoded = this.encodeText(addressed as tf.Tensor3D, paddingMask(texts));
    const grounded = tf.matMul(hot, this.grounding.forward(encoded), true) as tf.Tensor3D;
    const places = tf.add(this.cells, this.addresses);
    return {
      base: tf.add(tf.add(this.reference.forward(references), grounded), places),
      text: this.blocks.map((block) => block.textKeyValues(encoded)),
      mask: paddingMask(texts, { after: GRID.cells }),
    };
  }

  /**
   * The clean picture `x_0` expected behind `latents [rows, 16, 192]` at noise level `times`, either one for all rows or
   * one per row.
   */
  predict(latents: tf.Tensor3D, times: number | readonly number[], context: EditorContext): tf.Tensor3D {
    const modulation = this.modulation(times);
    let hidden = tf.add(this.noisy.forward(latents), context.base) as tf.Tensor3D;
    this.blocks.forEach((block, layer) => {
      hidden = block.forward(hidden, modulation, { text: context.text[layer]!, mask: context.mask });
    });
    return this.output.forward(this.norm.forward(hidden));
  }

  private modulation(times: number | readonly number[]): Modulation {
    const rows = typeof times === 'number' ? [times] : times;
    const features = tf.tensor2d(timeFeatures(rows), [rows.length, TIME_FEATURES]);
    const modulation = this.timeOut.forward(silu(this.timeIn.forward(features)));
    const shared = typeof times === 'number';
    return tf.reshape(modulation, shared ? [6 * this.size.width] : [rows.length, 1, 6 * this.size.width]);
  }

  private encodeText(x: tf.Tensor3D, mask: tf.Tensor4D | undefined): tf.Tensor3D {
    return this.textNorm.forward(
      this.textBlocks.reduce((hidden, block) => block.forward(hidden, { mask }), x),
    );
  }

  private positionsOf(count: number): tf.Tensor2D {
    return tf.slice(this.positions as tf.Tensor as tf.Tensor2D, [0, 0], [count, this.size.width]);
  }
}

/** 1 where a word names a cell: `[rows, words, 16]`. */
function cellWords({ ids, rows, length }: WordRows): tf.Tensor3D {
  const hot = new Float32Array(rows * length * GRID.cells);
  ids.forEach((id, index) => {
    const cell = CELL_WORD_IDS.indexOf(id);
    if (cell >= 0) hot[index * GRID.cells + cell] = 1;
  });
  return tf.tensor3d(hot, [rows, length, GRID.cells]);
}

function flat(x: tf.Tensor3D): tf.Tensor2D {
  return tf.reshape(x, [-1, x.shape[2]]);
}
