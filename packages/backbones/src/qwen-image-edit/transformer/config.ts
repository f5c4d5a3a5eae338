import { ConfigReader } from '../../config-reader.ts';
import { QwenImageFolderError } from '../error.ts';

/** Sizes of a Qwen-Image transformer. */
export interface TransformerConfig {
  /** Numbers per packed latent token that go in. */
  readonly inChannels: number;
  /** Numbers per packed latent token that come out. */
  readonly tokenNumbers: number;
  readonly blocks: number;
  readonly heads: number;
  readonly headSize: number;
  /** Width of the text encoder's states. */
  readonly textWidth: number;
  /** Features of a head that turn with image number, height and width. */
  readonly ropeAxes: readonly [number, number, number];
  /** References are modulated as if they were free of noise (Qwen-Image-Edit-2511). */
  readonly zeroCondT: boolean;
}

/** The released Qwen-Image-Edit; `zeroCondT` is true in 2511. */
export const RELEASED_TRANSFORMER: TransformerConfig = {
  inChannels: 64,
  tokenNumbers: 64,
  blocks: 60,
  heads: 24,
  headSize: 128,
  textWidth: 3584,
  ropeAxes: [16, 56, 56],
  zeroCondT: false,
};

/**
 * Reads `transformer/config.json`.
 *
 * @throws QwenImageFolderError for sizes that do not fit together and for architecture flags that are not built here.
 */
export function parseTransformerConfig(json: unknown, path = 'transformer/config.json'): TransformerConfig {
  const fields = new ConfigReader(path, json, QwenImageFolderError);
  const patch = fields.size('patch_size', 2);
  const config = {
    inChannels: fields.size('in_channels'),
    tokenNumbers: patch * patch * fields.size('out_channels'),
    blocks: fields.size('num_layers'),
    heads: fields.size('num_attention_heads'),
    headSize: fields.size('attention_head_dim'),
    textWidth: fields.size('joint_attention_dim'),
    ropeAxes: fields.wholes('axes_dims_rope') as TransformerConfig['ropeAxes'],
    zeroCondT: fields.flag('zero_cond_t', false),
  };
  fields.expect('guidance_embeds', false);
  fields.ignore('pooled_projection_dim');
  fields.finish();
  const { ropeAxes, headSize } = config;
  const turned = ropeAxes.reduce((sum, size) => sum + size, 0);
  if (ropeAxes.length !== 3 || turned !== headSize || ropeAxes.some((size) => size % 2 !== 0))
    fields.refuse('axes_dims_rope', ropeAxes, `three even numbers that add up to ${headSize}`);
  return config;
}
