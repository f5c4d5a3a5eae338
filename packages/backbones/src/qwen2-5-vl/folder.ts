import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigReader } from '../config-reader.ts';
import { readJson } from '../json-file.ts';
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
  const config = readJson(join(folder, 'tokenizer_config.json'), QwenVlFolderError);
  return new QwenVlTokenizer(readJson(path, QwenVlFolderError), config, path);
}

/** Reads the chat template: a file of its own, or a field of the tokenizer's configuration. */
export function readTemplate(parts: FolderParts): ChatTemplate {
  for (const folder of [parts.processor, parts.tokenizer]) {
    const jinja = join(folder, 'chat_template.jinja');
    if (isThere(jinja)) return new ChatTemplate(readFileSync(jinja, 'utf8'), jinja);
    for (const name of ['chat_template.json', 'tokenizer_config.json']) {
      const path = join(folder, name);
      const source = isThere(path) ? readJson(path, QwenVlFolderError).chat_template : undefined;
      if (typeof source === 'string') return new ChatTemplate(source, path);
    }
  }
  throw new QwenVlFolderError(parts.tokenizer, 'it has no chat template');
}

/** Reads `preprocessor_config.json`; the released values where it is absent. */
export function readPatchOptions({ processor }: FolderParts): PatchOptions {
  const path = join(processor, 'preprocessor_config.json');
  if (!isThere(path)) return RELEASED_PATCHES;
  const fields = new ConfigReader(path, readJson(path, QwenVlFolderError), QwenVlFolderError);
  const size = fields.inside('size', {});
  const released = RELEASED_PATCHES;
  const colours = (name: string, fallback: readonly number[]) => {
    const values = fields.numbers(name, fallback);
    return values.length === 3 ? values : fields.refuse(name, values, 'three numbers');
  };
  return {
    patch: fields.size('patch_size', released.patch),
    merge: fields.size('merge_size', released.merge),
    temporalPatch: fields.size('temporal_patch_size', released.temporalPatch),
    minPixels: fields.size('min_pixels', size.size('shortest_edge', released.minPixels)),
    maxPixels: fields.size('max_pixels', size.size('longest_edge', released.maxPixels)),
    mean: colours('image_mean', released.mean),
    deviation: colours('image_std', released.deviation),
  };
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
