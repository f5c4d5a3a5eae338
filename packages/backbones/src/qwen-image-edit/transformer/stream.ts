import * as tf from '@tensorflow/tfjs-core';
import { gelu, Linear, type Module, RmsNorm } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { TransformerConfig } from './config.ts';

/** Where a stream's layers lie in a block of the checkpoint. */
const PLACES = {
  image: {
    modulation: 'img_mod.1',
    query: 'attn.to_q',
    key: 'attn.to_k',
    value: 'attn.to_v',
    queryNorm: 'attn.norm_q',
    keyNorm: 'attn.norm_k',
    output: 'attn.to_out.0',
    up: 'img_mlp.net.0.proj',
    down: 'img_mlp.net.2',
  },
  text: {
    modulation: 'txt_mod.1',
    query: 'attn.add_q_proj',
    key: 'attn.add_k_proj',
    value: 'attn.add_v_proj',
    queryNorm: 'attn.norm_added_q',
    keyNorm: 'attn.norm_added_k',
    output: 'attn.to_add_out',
    up: 'txt_mlp.net.0.proj',
    down: 'txt_mlp.net.2',
  },
} as const;

/** Which tokens a stream is of. */
export type StreamKind = keyof typeof PLACES;

/** Registers a part of a block under its place and returns it. */
export type RegisterPart = <M extends Module>(place: string, part: M) => M;

const NO_KEY = Key.of(0);

/** A linear layer that takes no storage until its weights are loaded. */
export function loadedLinear(inputs: number, outputs: number): Linear {
  return new Linear({ inputs, outputs, start: 'unset', key: NO_KEY });
}

/** The layers of a block that work on the tokens of one stream: all but the attention that joins both. */
export class Stream {
  readonly heads: number;
  readonly modulation: Linear;
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly queryNorm: RmsNorm;
  readonly keyNorm: RmsNorm;
  readonly output: Linear;
  readonly up: Linear;
  readonly down: Linear;

  constructor(kind: StreamKind, { heads, headSize }: TransformerConfig, register: RegisterPart) {
    const places = PLACES[kind];
    const width = heads * headSize;
    const square = (place: string) => register(place, loadedLinear(width, width));
    this.heads = heads;
    this.modulation = register(places.modulation, loadedLinear(width, 6 * width));
    this.query = square(places.query);
    this.key = square(places.key);
    this.value = square(places.value);
    this.queryNorm = register(places.queryNorm, new RmsNorm(headSize));
    this.keyNorm = register(places.keyNorm, new RmsNorm(headSize));
    this.output = square(places.output);
    this.up = register(places.up, loadedLinear(width, 4 * width));
    this.down = register(places.down, loadedLinear(4 * width, width));
  }

  /** Queries before they are turned: `[batch, tokens, heads, size]`. */
  queries(x: tf.Tensor3D): tf.Tensor4D {
    return this.queryNorm.forward(this.byHead(this.query.forward(x)));
  }

  /** Keys before they are turned. */
  keys(x: tf.Tensor3D): tf.Tensor4D {
    return this.keyNorm.forward(this.byHead(this.key.forward(x)));
  }

  /** Values. */
  values(x: tf.Tensor3D): tf.Tensor4D {
    return this.byHead(this.value.forward(x));
  }

  /** The feed-forward layer. */
  feedForward(x: tf.Tensor3D): tf.Tensor3D {
    return this.down.forward(gelu(this.up.forward(x), 'tanh'));
  }

  private byHead(x: tf.Tensor3D): tf.Tensor4D {
    const [batch, tokens, width] = x.shape;
    return tf.reshape(x, [batch, tokens, this.heads, width / this.heads]);
  }
}
