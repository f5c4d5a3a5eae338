import { ConfigReader } from '../config-reader.ts';
import { QwenVlFolderError } from './error.ts';

/** Sizes of the vision tower. */
export interface VisionConfig {
  readonly depth: number;
  readonly width: number;
  readonly heads: number;
  /** Inner width of the feed-forward layers. */
  readonly inner: number;
  readonly channels: number;
  /** Side of a patch, pixels. */
  readonly patch: number;
  readonly temporalPatch: number;
  /** Patches along the side of a merged cell. */
  readonly merge: number;
  /** Side of an attention window, pixels. */
  readonly window: number;
  /** Blocks whose patches attend to all of their frame; the others stay inside windows. */
  readonly fullAttention: readonly number[];
  /** Width of what comes out: that of the language model. */
  readonly outputs: number;
}

/** Sizes of the language model. */
export interface LanguageConfig {
  readonly vocabulary: number;
  readonly width: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values, each shared by `heads / keyHeads` heads. */
  readonly keyHeads: number;
  /** Size of one head. */
  readonly headSize: number;
  readonly epsilon: number;
  readonly theta: number;
  /** How many of the rotary angles follow the temporal, the row and the column position. */
  readonly sections: readonly [number, number, number];
  /** Whether the output layer is the embedding table. */
  readonly tied: boolean;
}

/** What `config.json` of a Qwen2.5-VL model says. */
export interface QwenVlConfig {
  readonly vision: VisionConfig;
  readonly language: LanguageConfig;
  readonly imageToken: number;
  readonly videoToken: number;
}

/** Sizes of the released Qwen2.5-VL-7B, which is also the text encoder of Qwen-Image-Edit. */
export const RELEASED_QWEN_VL: QwenVlConfig = {
  vision: {
    ...{ depth: 32, width: 1280, heads: 16, inner: 3420, channels: 3, patch: 14, temporalPatch: 2 },
    ...{ merge: 2, window: 112, fullAttention: [7, 15, 23, 31], outputs: 3584 },
  },
  language: {
    ...{ vocabulary: 152064, width: 3584, inner: 18944, layers: 28, heads: 28, keyHeads: 4, headSize: 128 },
    ...{ epsilon: 1e-6, theta: 1e6, sections: [16, 24, 24], tied: false },
  },
  imageToken: 151655,
  videoToken: 151656,
};

/** How {@link parseConfig} reads. */
export interface ParseConfigOptions {
  /** Where the JSON came from; named in errors. */
  readonly path?: string;
  /** Further fields that are known to change nothing. */
  readonly ignore?: readonly string[];
}

/** Fields that do not change what the model computes. */
const INERT =
  `architectures attention_dropout bos_token_id dtype eos_token_id initializer_range in_chans max_position_embeddings
  max_window_layers model_type pad_token_id sliding_window spatial_patch_size text_config tokens_per_second torch_dtype
  transformers_version use_cache vision_config vision_end_token_id vision_start_token_id vision_token_id
  image_token_id video_token_id vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads
  num_key_value_heads head_dim rms_norm_eps rope_theta rope_scaling tie_word_embeddings depth num_heads in_channels
  patch_size temporal_patch_size spatial_merge_size window_size fullatt_block_indexes out_hidden_size`.split(
    /\s+/,
  );

/**
 * Reads a `config.json`, with the language model's fields at the top or under `text_config`. Every field must be known: one
 * that is not could change the architecture.
 *
 * @throws QwenVlFolderError naming the field.
 */
export function parseConfig(json: unknown, options: ParseConfigOptions = {}): QwenVlConfig {
  const { path = 'config.json', ignore = [] } = options;
  const top = new ConfigReader(path, json, QwenVlFolderError);
  const type = top.text('model_type');
  if (type !== 'qwen2_5_vl') top.refuse('model_type', type, 'qwen2_5_vl, all that is built here');
  const text = top.has('text_config') ? top.inside('text_config') : top;
  const vision = top.inside('vision_config');
  const token = (name: string) => (top.has(name) ? top : text).size(name);
  const config = {
    vision: visionConfig(vision),
    language: languageConfig(text, top),
    imageToken: token('image_token_id'),
    videoToken: token('video_token_id'),
  };
  const layers = Array.from({ length: config.language.layers }, () => 'full_attention');
  for (const part of new Set([top, text, vision])) {
    part.expect('hidden_act', 'silu');
    part.expect('use_sliding_window', false);
    part.expect('layer_types', layers);
    part.ignore(...INERT, ...ignore);
    part.finish('; list it in `ignore` if it does not');
  }
  return config;
}

function visionConfig(fields: ConfigReader): VisionConfig {
  return {
    depth: fields.size('depth'),
    width: fields.size('hidden_size'),
    heads: fields.size('num_heads'),
    inner: fields.size('intermediate_size'),
    channels: fields.size(fields.has('in_channels') ? 'in_channels' : 'in_chans'),
    patch: fields.size('patch_size'),
    temporalPatch: fields.size('temporal_patch_size', 2),
    merge: fields.size('spatial_merge_size'),
    window: fields.size('window_size'),
    fullAttention: fields.wholes('fullatt_block_indexes'),
    outputs: fields.size('out_hidden_size'),
  };
}

function languageConfig(fields: ConfigReader, top: ConfigReader): LanguageConfig {
  const [width, heads] = [fields.size('hidden_size'), fields.size('num_attention_heads')];
  const headSize = fields.size('head_dim', width / heads);
  return {
    vocabulary: fields.size('vocab_size'),
    width,
    inner: fields.size('intermediate_size'),
    layers: fields.size('num_hidden_layers'),
    heads,
    keyHeads: fields.size('num_key_value_heads'),
    headSize,
    epsilon: fields.positive('rms_norm_eps'),
    theta: fields.positive('rope_theta'),
    sections: sections(fields.inside('rope_scaling'), headSize),
    tied: top.flag('tie_word_embeddings', fields.flag('tie_word_embeddings', false)),
  };
}

/** `rope_scaling`: both names of its type mean plain frequencies. */
function sections(scaling: ConfigReader, headSize: number): readonly [number, number, number] {
  for (const name of ['type', 'rope_type']) {
    const type = scaling.text(name, 'mrope');
    if (type !== 'mrope' && type !== 'default')
      scaling.refuse(name, type, 'mrope or default, all that is built here');
  }
  const parts = scaling.wholes('mrope_section');
  scaling.finish();
  if (parts.length !== 3 || parts.reduce((a, b) => a + b, 0) !== headSize / 2)
    scaling.refuse('mrope_section', parts, `three parts that add up to ${headSize / 2}`);
  return parts as readonly [number, number, number];
}
