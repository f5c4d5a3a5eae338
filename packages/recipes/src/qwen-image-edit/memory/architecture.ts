import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseTransformerConfig,
  parseVaeConfig,
  RELEASED_TRANSFORMER,
  RELEASED_VAE,
  type TransformerConfig,
} from '@thinkrl/backbones/qwen-image-edit';
import { parseConfig, type QwenVlConfig, RELEASED_QWEN_VL } from '@thinkrl/backbones/qwen2-5-vl';
import { openCheckpoint } from '@thinkrl/nn';
import type { QwenEditConfig } from '../config.ts';
import type { VaeSizes } from './parameters.ts';

/** What a model's folder says of its sizes. */
export interface Architecture {
  readonly transformer: TransformerConfig;
  readonly understanding: Pick<QwenVlConfig, 'vision' | 'language'>;
  readonly vae: VaeSizes;
  /** Bytes of a stored weight of transformer and text encoder. */
  readonly weightBytes: number;
  /** Whether the folder was there; the released sizes otherwise. */
  readonly read: boolean;
}

/** Sizes of the released models: Qwen-Image-Edit with Qwen2.5-VL-7B, in bfloat16. */
export const RELEASED: Architecture = {
  transformer: RELEASED_TRANSFORMER,
  understanding: RELEASED_QWEN_VL,
  vae: RELEASED_VAE,
  weightBytes: 2,
  read: false,
};

const BYTES = { float32: 4, bfloat16: 2 } as const;

/** Sizes of the folder that the settings name, from its configurations and the headers of its weights. */
export function architectureOf({ model, storage }: Pick<QwenEditConfig, 'model' | 'storage'>): Architecture {
  const found = existsSync(join(model, 'transformer', 'config.json')) ? readFolder(model) : RELEASED;
  return storage === 'files' ? found : { ...found, weightBytes: BYTES[storage] };
}

function readFolder(model: string): Architecture {
  const config = <T>(part: string, parse: (json: unknown) => T) =>
    parse(JSON.parse(readFileSync(join(model, part, 'config.json'), 'utf8')));
  const checkpoint = openCheckpoint(join(model, 'transformer'));
  const [first] = checkpoint.tensors.values();
  const weightBytes = first?.bits === undefined ? 4 : 2;
  checkpoint.close();
  return {
    transformer: config('transformer', parseTransformerConfig),
    understanding: config('text_encoder', (json) => parseConfig(json)),
    vae: config('vae', parseVaeConfig),
    weightBytes,
    read: true,
  };
}
