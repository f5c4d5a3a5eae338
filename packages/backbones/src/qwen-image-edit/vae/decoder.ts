import type * as tf from '@tensorflow/tfjs-core';
import { Module, silu } from '@thinkrl/nn';
import type { VaeConfig } from './config.ts';
import { ChannelNorm, type Channels, Convolution, MiddleBlock, ResidualBlock, Upsample } from './layers.ts';

/** One stage of the decoder; parts `resnets.N` and, but for the last stage, `upsamplers.0`. */
class UpBlock extends Module {
  readonly blocks: readonly ResidualBlock[];
  readonly upsample: Upsample | undefined;

  constructor({ inputs, outputs }: Channels, count: number, last: boolean) {
    super();
    this.blocks = Array.from({ length: count }, (_, index) =>
      this.child(`resnets.${index}`, new ResidualBlock({ inputs: index === 0 ? inputs : outputs, outputs })),
    );
    this.upsample = last ? undefined : this.child('upsamplers.0', new Upsample(outputs));
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const y = this.blocks.reduce((hidden, block) => block.forward(hidden), x);
    return this.upsample?.forward(y) ?? y;
  }
}

/** Latents to pictures. */
export class VaeDecoder extends Module {
  readonly input: Convolution;
  readonly middle: MiddleBlock;
  readonly upBlocks: readonly UpBlock[];
  readonly norm: ChannelNorm;
  readonly output: Convolution;

  constructor(config: VaeConfig) {
    super();
    const { baseWidth, latentChannels, multiples, residualBlocks } = config;
    const widths = multiples.map((multiple) => multiple * baseWidth).reverse();
    const widest = widths[0]!;
    this.input = this.child('conv_in', new Convolution({ inputs: latentChannels, outputs: widest }));
    this.middle = this.child('mid_block', new MiddleBlock(widest));
    this.upBlocks = widths.map((outputs, stage) => {
      const inputs = stage === 0 ? widest : widths[stage - 1]! / 2;
      const last = stage === widths.length - 1;
      return this.child(`up_blocks.${stage}`, new UpBlock({ inputs, outputs }, residualBlocks + 1, last));
    });
    const width = widths.at(-1)!;
    this.norm = this.child('norm_out', new ChannelNorm(width));
    this.output = this.child('conv_out', new Convolution({ inputs: width, outputs: 3 }));
  }

  /** Latents `[batch, height, width, latentChannels]` to pixels `[batch, 8 height, 8 width, 3]`, not clipped. */
  forward(latents: tf.Tensor4D): tf.Tensor4D {
    const up = this.upBlocks.reduce(
      (x, block) => block.forward(x),
      this.middle.forward(this.input.forward(latents)),
    );
    return this.output.forward(silu(this.norm.forward(up)));
  }
}
