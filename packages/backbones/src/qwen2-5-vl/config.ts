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
const INERT = new Set(
  `architectures attention_dropout bos_token_id dtype eos_token_id initializer_range in_chans max_position_embeddings
  max_window_layers model_type pad_token_id sliding_window spatial_patch_size text_config tokens_per_second torch_dtype
  transformers_version use_cache vision_config vision_end_token_id vision_start_token_id vision_token_id
  image_token_id video_token_id vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads
  num_key_value_heads head_dim rms_norm_eps rope_theta rope_scaling tie_word_embeddings depth num_heads in_channels
  patch_size temporal_patch_size spatial_merge_size window_size fullatt_block_indexes out_hidden_size`.split(
    /\s+/,
  ),
);

/** Fields that must have this value, or be absent. */
const FIXED: Readonly<Record<string, (value: unknown) => boolean>> = {
  hidden_act: (value) => value === 'silu',
  use_sliding_window: (value) => value === false,
  layer_types: (value) => Array.isArray(value) && value.every((type) => type === 'full_attention'),
};

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a `config.json`, with the language model's fields at the top or under `text_config`. Every field must be known: one
 * that is not could change the architecture.
 *
 * @throws QwenVlFolderError naming the field.
 */
export function parseConfig(json: unknown, options: ParseConfigOptions = {}): QwenVlConfig {
  const { path = 'config.json', ignore = [] } = options;
  const fields = new Fields(json, path);
  if (fields.json.model_type !== 'qwen2_5_vl') fields.refuse('model_type', 'only qwen2_5_vl is built here');
  const text = fields.inside('text_config') ?? fields;
  const vision = fields.inside('vision_config') ?? fields.refuse('vision_config', 'it is needed');
  for (const part of new Set([fields, text, vision])) part.checkKnown(new Set(ignore));
  const tokens = fields.json.image_token_id === undefined ? text : fields;
  return {
    vision: visionConfig(vision),
    language: languageConfig(text, fields),
    imageToken: tokens.whole('image_token_id'),
    videoToken: tokens.whole('video_token_id'),
  };
}

function visionConfig(fields: Fields): VisionConfig {
  const blocks = fields.json.fullatt_block_indexes;
  if (!isWholeList(blocks)) fields.refuse('fullatt_block_indexes', 'a list of blocks is needed');
  return {
    depth: fields.whole('depth'),
    width: fields.whole('hidden_size'),
    heads: fields.whole('num_heads'),
    inner: fields.whole('intermediate_size'),
    channels: fields.json.in_channels === undefined ? fields.whole('in_chans') : fields.whole('in_channels'),
    patch: fields.whole('patch_size'),
    temporalPatch: fields.json.temporal_patch_size === undefined ? 2 : fields.whole('temporal_patch_size'),
    merge: fields.whole('spatial_merge_size'),
    window: fields.whole('window_size'),
    fullAttention: blocks as readonly number[],
    outputs: fields.whole('out_hidden_size'),
  };
}

function languageConfig(fields: Fields, top: Fields): LanguageConfig {
  const [width, heads] = [fields.whole('hidden_size'), fields.whole('num_attention_heads')];
  const headSize = fields.json.head_dim === undefined ? width / heads : fields.whole('head_dim');
  return {
    vocabulary: fields.whole('vocab_size'),
    width,
    inner: fields.whole('intermediate_size'),
    layers: fields.whole('num_hidden_layers'),
    heads,
    keyHeads: fields.whole('num_key_value_heads'),
    headSize,
    epsilon: fields.number('rms_norm_eps'),
    theta: fields.number('rope_theta'),
    sections: sections(fields, headSize),
    tied: (top.json.tie_word_embeddings ?? fields.json.tie_word_embeddings ?? false) === true,
  };
}

/** `rope_scaling`: both names of its type mean plain frequencies. */
function sections(fields: Fields, headSize: number): readonly [number, number, number] {
  const scaling = fields.inside('rope_scaling') ?? fields.refuse('rope_scaling', 'it is needed');
  for (const [name, value] of Object.entries(scaling.json)) {
    const known = ['type', 'rope_type'].includes(name) && (value === 'mrope' || value === 'default');
    if (!known && name !== 'mrope_section')
      scaling.refuse(name, 'this kind of rope scaling is not built here');
  }
  const parts = scaling.json.mrope_section;
  if (!isWholeList(parts) || parts.length !== 3 || parts.reduce((a, b) => a + b, 0) !== headSize / 2)
    return scaling.refuse('mrope_section', `three parts that add up to ${headSize / 2} are needed`);
  return parts as unknown as readonly [number, number, number];
}

function isWholeList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isInteger(item) && item >= 0);
}

/** The fields of a JSON object, checked as they are read. */
class Fields {
  readonly json: Json;
  private readonly path: string;

  constructor(json: unknown, path: string) {
    this.path = path;
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new QwenVlFolderError(path, 'it is not a JSON object');
    this.json = json as Json;
  }

  refuse(field: string, problem: string): never {
    const value = JSON.stringify(this.json[field]);
    throw new QwenVlFolderError(this.path, `${field} is ${value}: ${problem}`);
  }

  inside(field: string): Fields | undefined {
    const value = this.json[field];
    return value == null ? undefined : new Fields(value, `${this.path} ${field}`);
  }

  whole(field: string): number {
    const value = this.number(field);
    return Number.isInteger(value) ? value : this.refuse(field, 'a positive integer is needed');
  }

  number(field: string): number {
    const value = this.json[field];
    const usable = typeof value === 'number' && value > 0 && Number.isFinite(value);
    return usable ? value : this.refuse(field, 'a positive number is needed');
  }

  checkKnown(ignore: ReadonlySet<string>): void {
    for (const [name, value] of Object.entries(this.json)) {
      const fixed = FIXED[name];
      if (fixed !== undefined && value != null && !fixed(value)) this.refuse(name, 'this is not built here');
      const known = fixed !== undefined || INERT.has(name) || ignore.has(name) || name.startsWith('_');
      if (!known && value !== null && value !== false)
        this.refuse(
          name,
          'the field is not known here and may change the architecture; list it in `ignore` if it does not',
        );
    }
  }
}
