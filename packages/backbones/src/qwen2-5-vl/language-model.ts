import type * as tf from '@tensorflow/tfjs-core';
import {
  castStorageLike,
  Embedding,
  type KeyValueCache,
  Module,
  type ParameterMap,
  RmsNorm,
  type RotaryTables,
  type TensorFunction,
} from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { LanguageConfig } from './config.ts';
import { DecoderLayer } from './decoder-layer.ts';
import { under } from './names.ts';
import { runBlock } from './rerun.ts';

/** How a run of tokens goes through the language model. */
export interface RunOptions {
  /** `[rows, tokens, head size / 2]`. */
  readonly rotary: RotaryTables;
  /** Bool `[rows, 1, tokens | 1, sources]`: true where a token may attend; besides the mask, only to what is before it. */
  readonly mask?: tf.Tensor | undefined;
  /** Earlier tokens; the new ones are added and counted. */
  readonly cache?: KeyValueCache | undefined;
  /**
   * The parameters to be differentiated by: layers are then computed again in the backward pass instead of being kept. Not
   * together with a cache.
   */
  readonly remember?: ParameterMap | undefined;
}

/** The language model of Qwen2.5-VL without its output layer; parts `embed_tokens`, `layers.N`, `norm`. */
export class LanguageModel extends Module {
  readonly config: LanguageConfig;
  readonly words: Embedding;
  readonly layers: readonly DecoderLayer[];
  readonly norm: RmsNorm;

  constructor(config: LanguageConfig) {
    super();
    this.config = config;
    const { vocabulary, width } = config;
    this.words = this.child(
      'embed_tokens',
      new Embedding({ vocabulary, size: width, start: 'unset', key: Key.of(0) }),
    );
    this.layers = Array.from({ length: config.layers }, (_, i) =>
      this.child(`layers.${i}`, new DecoderLayer(config)),
    );
    this.norm = this.child('norm', new RmsNorm(width, config.epsilon));
  }

  /** Hidden states after the last norm of embedded tokens `x [rows, tokens, width]`: the same shape. */
  forward(x: tf.Tensor3D, { rotary, mask, cache, remember }: RunOptions): tf.Tensor3D {
    const tokens = x.shape[1];
    const tables = [rotary.cosine, rotary.sine].map((table) => castStorageLike(table, x));
    const constants = mask === undefined ? tables : [...tables, mask];
    let hidden = x;
    this.layers.forEach((layer, i) => {
      const fn = (input: tf.Tensor, cosine: tf.Tensor, sine: tf.Tensor, mask?: tf.Tensor) =>
        layer.forward(input as tf.Tensor3D, {
          rotary: { cosine, sine },
          mask,
          cache: cache?.layer(i, tokens),
        });
      const own = remember && under(remember, `layers.${i}.`);
      hidden = runBlock(hidden, { fn: fn as TensorFunction, constants, remember: own });
    });
    cache?.advance(tokens);
    return this.norm.forward(hidden);
  }
}
