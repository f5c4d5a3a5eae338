import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '@thinkrl/nn';
import { onTestFinished } from 'vitest';
import { openTensors, readConfig } from './fixture.ts';
import { IGNORED, REFERENCE, shapeOf } from './qwen-vl-fixture.ts';

/** The split of the released tokenizer: words, single digits, punctuation, spaces. */
export const SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** A `tokenizer.json` of the released kind with the given vocabulary, merges and special tokens. */
export function tokenizerJson(
  vocab: Readonly<Record<string, number>>,
  merges: readonly string[],
  special: Readonly<Record<string, number>>,
  ignoreMerges = false,
): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: SPLIT }, behavior: 'Isolated', invert: false };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    added_tokens: Object.entries(special).map(([content, id]) => ({ id, content, ...flags })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: { type: 'BPE', unk_token: null, byte_fallback: false, ignore_merges: ignoreMerges, vocab, merges },
  };
}

/** A template in the manner of the released one, in other words. */
const TEMPLATE = [
  '{%- for turn in messages -%}',
  "{{- '<|im_start|>' + turn.role + '\\n' -}}",
  '{%- for part in turn.content -%}',
  "{%- if part.type == 'image' -%}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}",
  '{%- else -%}{{- part.text -}}{%- endif -%}{%- endfor -%}',
  "{{- '<|im_end|>\\n' -}}{%- endfor -%}",
  "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
].join('');

/** Names and ids that the tiny model's configuration has for special tokens. */
export const SPECIAL = {
  '<|vision_start|>': 149,
  '<|vision_end|>': 150,
  '<|image_pad|>': 151,
  '<|video_pad|>': 152,
  '<|endoftext|>': 153,
  '<|im_start|>': 154,
  '<|im_end|>': 155,
};

/** A tokenizer of the 160 ids of the tiny model: ASCII and pairs of letters. */
function tinyTokenizer(): object {
  const characters = ['Ċ', 'Ġ', ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];
  const merges = ['t h', 'th e', 'Ġ the', 'i n', 'e r'];
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') merges.push(`${letter} ${letter}`);
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUV') merges.push(`${letter} ${letter}`);
  const words = [...characters, ...merges.map((pair) => pair.replace(' ', ''))];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const rest = Object.fromEntries([156, 157, 158, 159].map((id) => [`<|unused_${id}|>`, id]));
  return tokenizerJson(vocab, merges, { ...SPECIAL, ...rest });
}

/** How {@link tinyFolder} writes. */
export interface FolderOptions {
  /** `old` names as released, or `new` ones. */
  readonly names?: 'old' | 'new';
  readonly dtype?: 'F32' | 'BF16';
  /** A Qwen2.5-VL folder, or that of an image pipeline. */
  readonly layout?: 'model' | 'pipeline';
  /** Changes the weights before they are written. */
  readonly change?: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Writes the tiny model in the layout of the released folders, in three shards; it is removed after the test. */
export function tinyFolder(options: FolderOptions = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'qwen-vl-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const pipeline = options.layout === 'pipeline';
  const folders = ['text_encoder', 'tokenizer', 'processor'].map((name) =>
    pipeline ? join(root, name) : root,
  );
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const [weights, tokenizer, processor] = folders as [string, string, string];
  const config = Object.entries(readConfig<object>(REFERENCE)).filter(([name]) => !IGNORED.includes(name));
  const write = (folder: string, name: string, json: object) =>
    writeFileSync(join(folder, name), JSON.stringify(json));
  write(weights, 'config.json', { ...Object.fromEntries(config), ...options.config });
  write(tokenizer, 'tokenizer.json', tinyTokenizer());
  write(tokenizer, 'tokenizer_config.json', { tokenizer_class: 'Qwen2Tokenizer', chat_template: TEMPLATE });
  write(processor, 'preprocessor_config.json', {
    ...{ patch_size: 4, temporal_patch_size: 2, merge_size: 2, min_pixels: 64, max_pixels: 1024 },
  });
  writeShards(weights, options);
  return root;
}

function writeShards(folder: string, { names = 'old', dtype = 'F32', change }: FolderOptions): void {
  const file = openTensors(REFERENCE, 'model.safetensors');
  const tensors = new Map(
    file.names.map((name) => [name, { shape: shapeOf(file, name), data: file.values(name) }]),
  );
  change?.(tensors);
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < 3; shard++) {
    const name = `model-0000${shard + 1}-of-00003.safetensors`;
    const part = [...tensors]
      .filter((_, i) => i % 3 === shard)
      .map(([key, tensor]) => {
        const renamed =
          names === 'old'
            ? key
            : key.replace(/^visual/, 'model.visual').replace(/^model\.(?!visual)/, 'model.language_model.');
        weightMap[renamed] = name;
        return [renamed, { ...tensor, dtype }] as const;
      });
    writeFileSync(join(folder, name), encodeSafetensors(new Map(part)));
  }
  writeFileSync(
    join(folder, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: weightMap }),
  );
}
