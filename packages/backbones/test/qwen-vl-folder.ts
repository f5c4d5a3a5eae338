import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '@thinkrl/nn';
import { onTestFinished } from 'vitest';
import { ownSet } from './fixture.ts';
import { IGNORED, REFERENCE } from './qwen-vl-fixture.ts';
import { TEMPLATE, tinyTokenizer } from './qwen-vl-tokenizer.ts';

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
  const config = Object.entries(ownSet.readConfig<object>(REFERENCE)).filter(
    ([name]) => !IGNORED.includes(name),
  );
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
  const file = ownSet.openTensors(REFERENCE, 'model.safetensors');
  const tensors = new Map(
    file.names.map((name) => [name, { shape: file.shape(name), data: file.values(name) }]),
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
