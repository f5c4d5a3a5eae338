import * as tf from '@tensorflow/tfjs-core';
import { type Linear, Module } from '@thinkrl/nn';
import { loadedLinear } from '../transformer/stream.ts';
import { pixelsPerLatent, type VaeConfig } from './config.ts';
import { VaeDecoder } from './decoder.ts';
import { VaeEncoder } from './encoder.ts';
import { byTiles } from './tiles.ts';

/** Side of a tile and distance from tile to tile, pixels. */
export interface Tiling {
  readonly size: number;
  readonly stride: number;
}

/**
 * The autoencoder of Qwen-Image for pictures: a causal video autoencoder sees nothing before the first frame, so that one
 * frame needs only the last temporal tap of each kernel, a convolution over height and width.
 */
export class QwenImageVae extends Module {
  readonly config: VaeConfig;
  readonly encoder: VaeEncoder;
  readonly quantize: Linear;
  readonly dequantize: Linear;
  readonly decoder: VaeDecoder;

  constructor(config: VaeConfig) {
    super();
    const { latentChannels } = config;
    this.config = config;
    this.encoder = this.child('encoder', new VaeEncoder(config));
    this.quantize = this.child('quant_conv', loadedLinear(2 * latentChannels, 2 * latentChannels));
    this.dequantize = this.child('post_quant_conv', loadedLinear(latentChannels, latentChannels));
    this.decoder = this.child('decoder', new VaeDecoder(config));
  }

  /** Mean and log-variance of latents, `[batch, height / 8, width / 8, 2 latentChannels]`, of pixels in [-1, 1]. */
  moments(pixels: tf.Tensor4D, tiling?: Tiling): tf.Tensor4D {
    const encode = (x: tf.Tensor4D) => this.quantize.forward(this.encoder.forward(x));
    if (tiling === undefined) return encode(pixels);
    return byTiles(pixels, { ...tiling, scale: 1 / pixelsPerLatent(this.config) }, encode);
  }

  /** The likeliest latents of pixels `[batch, height, width, 3]` in [-1, 1], as the transformer takes them. */
  encode(pixels: tf.Tensor4D, tiling?: Tiling): tf.Tensor4D {
    const [mean] = tf.split<tf.Tensor4D>(this.moments(pixels, tiling), 2, -1);
    return this.normalize(mean!);
  }

  /** Pixels `[batch, 8 height, 8 width, 3]` in [-1, 1] of latents as the transformer gives them. */
  decode(latents: tf.Tensor4D, tiling?: Tiling): tf.Tensor4D {
    return tf.clipByValue(this.decodeUnclipped(this.denormalize(latents), tiling), -1, 1);
  }

  /** What the decoder makes of latents in their own spread. */
  decodeUnclipped(latents: tf.Tensor4D, tiling?: Tiling): tf.Tensor4D {
    const decode = (x: tf.Tensor4D) => this.decoder.forward(this.dequantize.forward(x));
    if (tiling === undefined) return decode(latents);
    const scale = pixelsPerLatent(this.config);
    return byTiles(latents, { size: tiling.size / scale, stride: tiling.stride / scale, scale }, decode);
  }

  /** `(latents - mean) / deviation`, by channel. */
  normalize(latents: tf.Tensor4D): tf.Tensor4D {
    const { mean, deviation } = this.config;
    return tf.div(tf.sub(latents, [...mean]), [...deviation]);
  }

  /** `latents deviation + mean`, by channel. */
  denormalize(latents: tf.Tensor4D): tf.Tensor4D {
    const { mean, deviation } = this.config;
    return tf.add(tf.mul(latents, [...deviation]), [...mean]);
  }
}
