import * as tf from '@tensorflow/tfjs-core';
import { GRID, SLOTS, VOCABULARY } from '@thinkrl/microworld';
import {
  type AttendOptions,
  Embedding,
  type KeyValueCache,
  type KeyValues,
  LayerNorm,
  Linear,
  Module,
  normalInitializer,
  TransformerBlock,
} from '@thinkrl/nn';
import type { Key } from '@thinkrl/spec';
import { checkSize, type MicroSize, UNDERSTANDER_SIZE } from './size.ts';

const CELLS = GRID.cells;

/** First position of each part of the sequence: picture, instruction, plan, edited picture, reflection; 84 in all. */
export const PLACES = {
  picture: 0,
  instruction: CELLS,
  plan: CELLS + SLOTS.instruction,
  edit: CELLS + SLOTS.instruction + SLOTS.plan,
  reflection: CELLS + SLOTS.instruction + SLOTS.plan + CELLS,
  end: CELLS + SLOTS.instruction + SLOTS.plan + CELLS + SLOTS.reflection,
} as const;

/** How a run of tokens attends to what came before. */
export interface ContinueOptions extends Pick<AttendOptions, 'mask' | 'targets'> {
  /** What a layer's tokens attend to besides themselves. */
  readonly before: (layer: number) => Pick<AttendOptions, 'past' | 'cache'>;
}

/**
 * The understanding module: a pre-norm transformer over `[picture 16][instruction 20][plan 18][edited picture 16]
 * [reflection 14]` with learned positions. Picture and instruction see each other both ways, texts see what is before
 * them, the edited picture sees itself whole. Which token sees which is the callers' mask; positions go by place, so
 * unused slots need not be computed.
 */
export class Understander extends Module {
  readonly size: MicroSize;
  readonly words: Embedding;
  readonly positions: tf.Variable;
  readonly picture: Linear;
  readonly cells: tf.Variable;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: LayerNorm;
  readonly head: Linear;

  /** Throws ConfigError on an impossible size. */
  constructor(key: Key, size: MicroSize = UNDERSTANDER_SIZE) {
    super();
    checkSize(size);
    const { width, heads } = size;
    this.size = size;
    this.positions = this.parameter(
      'positions',
      normalInitializer([PLACES.end, width], 0.02, key.fold('positions')),
    );
    this.cells = this.parameter('cells', normalInitializer([CELLS, width], 0.02, key.fold('cells')));
    const vocabulary = VOCABULARY.length;
    this.words = this.child('words', new Embedding({ vocabulary, size: width, key: key.fold('words') }));
    this.picture = this.child(
      'picture',
      new Linear({ inputs: GRID.cellNumbers, outputs: width, key: key.fold('picture') }),
    );
    this.blocks = Array.from({ length: size.blocks }, (_, layer) =>
      this.child(
        `blocks.${layer}`,
        new TransformerBlock({ size: width, heads, key: key.fold('block').fold(layer) }),
      ),
    );
    this.norm = this.child('norm', new LayerNorm(width));
    this.head = this.child('head', new Linear({ inputs: width, outputs: vocabulary, key: key.fold('head') }));
  }

  /** Tokens of pictures `[rows, 16, 192]` at the place of the reference or of the edit: `[rows, 16, width]`. */
  embedPicture(pictures: tf.Tensor3D, place: number): tf.Tensor3D {
    return tf.add(this.picture.forward(pictures), tf.add(this.cells, this.positionsAt(place, CELLS)));
  }

  /** Tokens of word ids `[rows, words]` from a place on: `[rows, words, width]`. */
  embedWords(ids: tf.Tensor2D, place: number): tf.Tensor3D {
    return tf.add(this.words.forward(ids), this.positionsAt(place, ids.shape[1]));
  }

  /** Picture and instruction side by side: `[rows, 16 + words, width]`. */
  embedPrompt(pictures: tf.Tensor3D, instructions: tf.Tensor2D): tf.Tensor3D {
    const words = this.embedWords(instructions, PLACES.instruction);
    return tf.concat([this.embedPicture(pictures, PLACES.picture), words], 1);
  }

  /** Runs tokens `x [rows, tokens, width]` through all blocks: `[rows, targets, width]`; only the last needs `targets`. */
  continue(x: tf.Tensor3D, { before, mask, targets }: ContinueOptions): tf.Tensor3D {
    const last = this.blocks.length - 1;
    return this.blocks.reduce(
      (hidden, block, layer) =>
        block.forward(hidden, { mask, ...before(layer), targets: layer === last ? targets : undefined }),
      x,
    );
  }

  /** Adds tokens to a cache whose own outputs nobody needs; `mask` as for {@link continue}. */
  absorb(x: tf.Tensor3D, cache: KeyValueCache, mask: tf.Tensor): void {
    const last = this.blocks.length - 1;
    let hidden = x;
    this.blocks.forEach((block, layer) => {
      const own = cache.layer(layer, x.shape[1]);
      if (layer === last) own.append(block.keyValues(hidden));
      else hidden = block.forward(hidden, { mask, cache: own });
    });
    cache.advance(x.shape[1]);
  }

  /** Keys and values of the prompt in every layer; `mask` is bool `[rows, 1, 1, tokens]`. */
  promptKeyValues(prompt: tf.Tensor3D, mask: tf.Tensor | undefined): readonly KeyValues[] {
    const last = this.blocks.length - 1;
    let hidden = prompt;
    return this.blocks.map((block, layer) => {
      if (layer === last) return block.keyValues(hidden);
      const { output, fresh } = block.forwardWithKeyValues(hidden, { mask });
      hidden = output;
      return fresh;
    });
  }

  /** Logits of hidden states `[..., width]`: `[..., vocabulary]`. */
  logits<T extends tf.Tensor>(hidden: T): T {
    return this.head.forward(this.norm.forward(hidden));
  }

  private positionsAt(place: number, count: number): tf.Tensor2D {
    return tf.slice(this.positions as tf.Tensor as tf.Tensor2D, [place, 0], [count, this.size.width]);
  }
}
