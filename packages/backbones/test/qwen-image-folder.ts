import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { encodeSafetensors, type StoredTensor } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { PromptEncoder } from '../src/qwen-image-edit/edit-backbone.ts';
import { ownSet } from './fixture.ts';
import { hostTensors, withoutNotes } from './qwen-image-fixture.ts';

/** What differs from folder to folder. */
export interface FolderOptions {
  /** Where to write; a new folder unless given. */
  readonly folder?: string;
  readonly pipeline?: 'QwenImageEditPipeline' | 'QwenImageEditPlusPipeline';
  /** Changes of `transformer/config.json`. */
  readonly transformer?: object;
  /** Stored type of the transformer's weights. */
  readonly dtype?: 'F32' | 'BF16';
}

/**
 * A folder laid out as the hub has Qwen-Image-Edit, with the tiny weights of the fixtures; the transformer lies in two
 * shards.
 */
export function writeModelFolder(options: FolderOptions = {}): string {
  const { folder = mkdtempSync(join(tmpdir(), 'qwen-image-')) } = options;
  const { pipeline = 'QwenImageEditPlusPipeline', dtype = 'F32' } = options;
  const write = (part: string, name: string, content: object | Uint8Array) => {
    mkdirSync(join(folder, part), { recursive: true });
    const bytes = content instanceof Uint8Array ? content : `${JSON.stringify(content, null, 2)}\n`;
    writeFileSync(join(folder, part, name), bytes);
  };
  write('', 'model_index.json', {
    _class_name: pipeline,
    _diffusers_version: '0.36.0',
    scheduler: ['diffusers', 'FlowMatchEulerDiscreteScheduler'],
    transformer: ['diffusers', 'QwenImageTransformer2DModel'],
    vae: ['diffusers', 'AutoencoderKLQwenImage'],
  });
  const { transformer } = ownSet.readConfig<{ transformer: object }>('pipeline_edit_plus_tiny');
  write('transformer', 'config.json', {
    _class_name: 'QwenImageTransformer2DModel',
    pooled_projection_dim: 768,
    ...transformer,
    ...options.transformer,
  });
  const scheduler = ownSet.readConfig<{ released_config: object }>('scheduler').released_config;
  write('scheduler', 'scheduler_config.json', scheduler);
  write('vae', 'config.json', withoutNotes(ownSet.readConfig('qwen_image_vae')));
  const vae = hostTensors(ownSet.openTensors('qwen_image_vae', 'model.safetensors'));
  write('vae', 'diffusion_pytorch_model.safetensors', encodeSafetensors(vae));
  const weights = [...hostTensors(ownSet.openTensors('pipeline_edit_plus_tiny', 'transformer.safetensors'))];
  const shards = [weights.slice(0, 30), weights.slice(30)].map(
    (part) => new Map<string, StoredTensor>(part.map(([name, tensor]) => [name, { ...tensor, dtype }])),
  );
  const map: Record<string, string> = {};
  shards.forEach((shard, index) => {
    const name = `diffusion_pytorch_model-0000${index + 1}-of-00002.safetensors`;
    write('transformer', name, encodeSafetensors(shard, { format: 'pt' }));
    for (const tensor of shard.keys()) map[tensor] = name;
  });
  const total = shards
    .flatMap((shard) => [...shard.values()])
    .reduce((sum, { data }) => sum + data.length, 0);
  write('transformer', 'diffusion_pytorch_model.safetensors.index.json', {
    metadata: { total_size: total * (dtype === 'F32' ? 4 : 2) },
    weight_map: map,
  });
  return folder;
}

/** An encoder whose states the prompt decides: as many tokens as the text has words, and one per picture. */
export const wordEncoder: PromptEncoder<{ readonly prompt: string; readonly tokens: number }> = {
  read: (prompt, images) => {
    const words = prompt.slice(prompt.lastIndexOf('<|vision_end|>')).split(' ');
    return { prompt, tokens: words.length + images.length };
  },
  encode: ({ prompt, tokens }) => {
    const stream = Key.of(5).fold(prompt).stream();
    const data = Float32Array.from({ length: tokens * 64 }, () => stream.normal());
    return tf.tensor3d(data, [1, tokens, 64]);
  },
};
