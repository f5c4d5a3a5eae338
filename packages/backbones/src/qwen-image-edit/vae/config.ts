import { ConfigReader } from '../../config-reader.ts';
import { QwenImageFolderError } from '../error.ts';

/** Sizes of a Qwen-Image autoencoder, and the spread of its latents. */
export interface VaeConfig {
  readonly baseWidth: number;
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Width of each stage as a multiple of `baseWidth`; height and width halve from stage to stage. */
  readonly multiples: readonly number[];
  readonly residualBlocks: number;
  /** Mean and standard deviation of each latent channel: latents are given to the transformer normalised. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The released autoencoder but for the spread of its latents, which its folder says. */
export const RELEASED_VAE: Omit<VaeConfig, 'mean' | 'deviation'> = {
  baseWidth: 96,
  latentChannels: 16,
  multiples: [1, 2, 4, 4],
  residualBlocks: 2,
};

/**
 * Reads `vae/config.json`.
 *
 * @throws QwenImageFolderError for sizes that do not fit together and for parts that are not built here.
 */
export function parseVaeConfig(json: unknown, path = 'vae/config.json'): VaeConfig {
  const fields = new ConfigReader(path, json, QwenImageFolderError);
  const config = {
    baseWidth: fields.size('base_dim'),
    latentChannels: fields.size('z_dim'),
    multiples: fields.wholes('dim_mult'),
    residualBlocks: fields.size('num_res_blocks'),
    mean: fields.numbers('latents_mean'),
    deviation: fields.numbers('latents_std'),
  };
  fields.expect('attn_scales', []);
  fields.expect('input_channels', 3);
  // Time is only halved between frames, and a picture is one; dropout only acts in training.
  fields.ignore('temperal_downsample', 'dropout');
  fields.finish();
  for (const [name, list] of [
    ['latents_mean', config.mean],
    ['latents_std', config.deviation],
  ] as const)
    if (list.length !== config.latentChannels)
      throw new QwenImageFolderError(
        path,
        `${name} has ${list.length} numbers for ${config.latentChannels} channels`,
      );
  return config;
}

/** How many pixels a side of a latent stands for: 8 in the released autoencoder. */
export function pixelsPerLatent({ multiples }: Pick<VaeConfig, 'multiples'>): number {
  return 2 ** (multiples.length - 1);
}
