import * as tf from '@tensorflow/tfjs-core';
import type { Linear } from '@thinkrl/nn';
import {
  attention,
  type ConvolutionOptions,
  convolution,
  Module,
  placeholder,
  rmsNorm,
  silu,
  upsample,
} from '@thinkrl/nn';
import { loadedLinear } from '../transformer/stream.ts';

const SAME: ConvolutionOptions = { before: [1, 1], after: [1, 1] };

/** Sizes of a layer. */
export interface Channels {
  readonly inputs: number;
  readonly outputs: number;
}

/** A 3 x 3 convolution of `x [batch, height, width, inputs]`; parameters `weight [outputs, inputs, 3, 3]` and `bias`. */
export class Convolution extends Module {
  readonly weight: tf.Variable;
  readonly bias: tf.Variable;
  private readonly options: ConvolutionOptions;

  constructor({ inputs, outputs }: Channels, options: ConvolutionOptions = SAME) {
    super();
    this.weight = this.parameter('weight', placeholder([outputs, inputs, 3, 3]));
    this.bias = this.parameter('bias', placeholder([outputs]));
    this.options = options;
  }

  /** Height and width stay the same unless the options say otherwise. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return convolution(x, { weight: this.weight, bias: this.bias }, this.options);
  }
}

/** Guards the norm of zeros; far below any number that is not zero. */
const EPSILON = 1e-30;

/** Root-mean-square norm over the channels; parameter `gamma [channels]`. */
export class ChannelNorm extends Module {
  readonly gamma: tf.Variable;

  constructor(channels: number) {
    super();
    this.gamma = this.parameter('gamma', placeholder([channels]));
  }

  /** `x [batch, height, width, channels]` to the same shape. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return rmsNorm(x, this.gamma, EPSILON);
  }
}

/** Two convolutions around a residual path; parts `norm1`, `conv1`, `norm2`, `conv2` and, where widths differ, `conv_shortcut`. */
export class ResidualBlock extends Module {
  readonly firstNorm: ChannelNorm;
  readonly first: Convolution;
  readonly secondNorm: ChannelNorm;
  readonly second: Convolution;
  readonly shortcut: Linear | undefined;

  constructor({ inputs, outputs }: Channels) {
    super();
    this.firstNorm = this.child('norm1', new ChannelNorm(inputs));
    this.first = this.child('conv1', new Convolution({ inputs, outputs }));
    this.secondNorm = this.child('norm2', new ChannelNorm(outputs));
    this.second = this.child('conv2', new Convolution({ inputs: outputs, outputs }));
    this.shortcut =
      inputs === outputs ? undefined : this.child('conv_shortcut', loadedLinear(inputs, outputs));
  }

  /** `x [batch, height, width, inputs]` to `[batch, height, width, outputs]`. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    const kept = this.shortcut?.forward(x) ?? x;
    const inner = this.first.forward(silu(this.firstNorm.forward(x)));
    return tf.add(this.second.forward(silu(this.secondNorm.forward(inner))), kept);
  }
}

/** Every place of a picture attends to every other, one head; parts `norm`, `to_qkv`, `proj`. */
export class PlaceAttention extends Module {
  readonly norm: ChannelNorm;
  readonly queryKeyValue: Linear;
  readonly output: Linear;

  constructor(channels: number) {
    super();
    this.norm = this.child('norm', new ChannelNorm(channels));
    this.queryKeyValue = this.child('to_qkv', loadedLinear(channels, 3 * channels));
    this.output = this.child('proj', loadedLinear(channels, channels));
  }

  /** `x [batch, height, width, channels]` to the same shape. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    const [batch, height, width, channels] = x.shape;
    const joint = this.queryKeyValue.forward(this.norm.forward(x));
    const [query, key, value] = tf
      .split<tf.Tensor4D>(joint, 3, -1)
      .map((part) => tf.reshape(part, [batch, height * width, 1, channels]) as tf.Tensor4D);
    const mixed = attention({ query: query!, key: key!, value: value! });
    return tf.add(this.output.forward(tf.reshape(mixed, x.shape)), x);
  }
}

/** The narrowest part of either half: a residual block, attention, a residual block. */
export class MiddleBlock extends Module {
  readonly first: ResidualBlock;
  readonly attention: PlaceAttention;
  readonly second: ResidualBlock;

  constructor(channels: number) {
    super();
    const block = (index: number) =>
      this.child(`resnets.${index}`, new ResidualBlock({ inputs: channels, outputs: channels }));
    this.first = block(0);
    this.attention = this.child('attentions.0', new PlaceAttention(channels));
    this.second = block(1);
  }

  /** `x [batch, height, width, channels]` to the same shape. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.second.forward(this.attention.forward(this.first.forward(x)));
  }
}

/** Halves height and width; part `resample.1`. */
export class Downsample extends Module {
  readonly resample: Convolution;

  constructor(channels: number) {
    super();
    const options = { strides: [2, 2], before: [0, 0], after: [1, 1] };
    const convolution = new Convolution({ inputs: channels, outputs: channels }, options);
    this.resample = this.child('resample.1', convolution);
  }

  /** `x [batch, height, width, channels]` to `[batch, height / 2, width / 2, channels]`. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.resample.forward(x);
  }
}

/** Doubles height and width and halves the channels; part `resample.1`. */
export class Upsample extends Module {
  readonly resample: Convolution;

  constructor(channels: number) {
    super();
    const convolution = new Convolution({ inputs: channels, outputs: channels / 2 });
    this.resample = this.child('resample.1', convolution);
  }

  /** `x [batch, height, width, channels]` to `[batch, 2 height, 2 width, channels / 2]`. */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    const [, height, width] = x.shape;
    return this.resample.forward(upsample(x, { size: [2 * height, 2 * width], mode: 'nearest' }));
  }
}
