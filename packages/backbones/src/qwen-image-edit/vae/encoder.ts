import type * as tf from '@tensorflow/tfjs-core';
import { Module, silu } from '@thinkrl/nn';
import type { VaeConfig } from './config.ts';
import { ChannelNorm, Convolution, Downsample, MiddleBlock, ResidualBlock } from './layers.ts';

/** Pictures to the statistics of their latents. */
export class VaeEncoder extends Module {
  readonly input: Convolution;
  readonly downBlocks: readonly (ResidualBlock | Downsample)[];
  readonly middle: MiddleBlock;
  readonly norm: ChannelNorm;
  readonly output: Convolution;

  constructor(config: VaeConfig) {
    super();
    const { baseWidth, latentChannels, multiples, residualBlocks } = config;
    const widths = multiples.map((multiple) => multiple * baseWidth);
    const blocks: (ResidualBlock | Downsample)[] = [];
    let inputs = baseWidth;
    widths.forEach((outputs, stage) => {
      for (let block = 0; block < residualBlocks; block++, inputs = outputs)
        blocks.push(new ResidualBlock({ inputs, outputs }));
      if (stage < widths.length - 1) blocks.push(new Downsample(outputs));
    });
    this.input = this.child('conv_in', new Convolution({ inputs: 3, outputs: baseWidth }));
    this.downBlocks = blocks.map((block, index) =>
      this.child(`down_blocks.${index}`, block as ResidualBlock),
    );
    this.middle = this.child('mid_block', new MiddleBlock(inputs));
    this.norm = this.child('norm_out', new ChannelNorm(inputs));
    this.output = this.child('conv_out', new Convolution({ inputs, outputs: 2 * latentChannels }));
  }

  /** Pixels `[batch, height, width, 3]` in [-1, 1] to `[batch, height / 8, width / 8, 2 latentChannels]`. */
  forward(pixels: tf.Tensor4D): tf.Tensor4D {
    const down = this.downBlocks.reduce((x, block) => block.forward(x), this.input.forward(pixels));
    return this.output.forward(silu(this.norm.forward(this.middle.forward(down))));
  }
}
