import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ChatTemplate } from './chat-template.ts';
import { QwenVlFolderError } from './error.ts';
import { type PatchOptions, RELEASED_PATCHES } from './patches.ts';
import { QwenVlTokenizer } from './tokenizer.ts';

/** Where the parts of a model lie: all in one folder, or in those of a diffusers pipeline. */
export interface FolderParts {
  readonly weights: string;
  readonly tokenizer: string;
  readonly processor: string;
}

/** Finds the parts of a Qwen2.5-VL folder or of a Qwen-Image pipeline's. Throws {@link QwenVlFolderError} for neither. */
export function folderParts(folder: string): FolderParts {
  const encoder = join(folder, 'text_encoder');
  if (isThere(join(encoder, 'config.json'))) {
    const tokenizer = join(folder, 'tokenizer');
    const processor = join(folder, 'processor');
    return { weights: encoder, tokenizer, processor: isThere(processor) ? processor : tokenizer };
  }
  if (!isThere(join(folder, 'config.json')))
    throw new QwenVlFolderError(folder, 'it has neither config.json nor text_encoder/config.json');
  return { weights: folder, tokenizer: folder, processor: folder };
}

/** Reads `tokenizer.json` and its configuration. */
export function readTokenizer({ tokenizer, processor }: FolderParts): QwenVlTokenizer {
  const folder = isThere(join(tokenizer, 'tokenizer.json')) ? tokenizer : processor;
  const path = join(folder, 'tokenizer.json');
  const config = readJson(join(folder, 'tokenizer_config.json'));
  return new QwenVlTokenizer(readJson(path), config, path);
}

/** Reads the chat template: a file of its own, or a field of the tokenizer's configuration. */
export function readTemplate(parts: FolderParts): ChatTemplate {
  for (const folder of [parts.processor, parts.tokenizer]) {
    const jinja = join(folder, 'chat_template.jinja');
    if (isThere(jinja)) return new ChatTemplate(readFileSync(jinja, 'utf8'), jinja);
    for (const name of ['chat_template.json', 'tokenizer_config.json']) {
      const path = join(folder, name);
      const source = isThere(path) ? readJson(path).chat_template : undefined;
      if (typeof source === 'string') return new ChatTemplate(source, path);
    }
  }
  throw new QwenVlFolderError(parts.tokenizer, 'it has no chat template');
}

/** Reads `preprocessor_config.json`; the released values where it is absent. */
export function readPatchOptions({ processor }: FolderParts): PatchOptions {
  const path = join(processor, 'preprocessor_config.json');
  if (!isThere(path)) return RELEASED_PATCHES;
  const json = readJson(path);
  const size = (json.size ?? {}) as Readonly<Record<string, unknown>>;
  const whole = (name: string, value: unknown, fallback: number) => {
    const number = value ?? fallback;
    if (!Number.isInteger(number) || (number as number) < 1)
      throw new QwenVlFolderError(path, `${name} is ${JSON.stringify(value)}: a positive integer is needed`);
    return number as number;
  };
  const colours = (name: string, fallback: readonly number[]) => {
    const values = json[name] ?? fallback;
    if (!Array.isArray(values) || values.length !== 3 || !values.every(Number.isFinite))
      throw new QwenVlFolderError(path, `${name} is ${JSON.stringify(values)}: three numbers are needed`);
    return values as readonly number[];
  };
  const released = RELEASED_PATCHES;
  return {
    patch: whole('patch_size', json.patch_size, released.patch),
    merge: whole('merge_size', json.merge_size, released.merge),
    temporalPatch: whole('temporal_patch_size', json.temporal_patch_size, released.temporalPatch),
    minPixels: whole('min_pixels', json.min_pixels ?? size.shortest_edge, released.minPixels),
    maxPixels: whole('max_pixels', json.max_pixels ?? size.longest_edge, released.maxPixels),
    mean: colours('image_mean', released.mean),
    deviation: colours('image_std', released.deviation),
  };
}

/** A JSON object in a file. Throws {@link QwenVlFolderError} for anything else. */
export function readJson(path: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new QwenVlFolderError(path, missing ? 'there is no such file' : 'it is not JSON', { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new QwenVlFolderError(path, 'it is not a JSON object');
  return json as Readonly<Record<string, unknown>>;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
