import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseTransformerConfig,
  parseVaeConfig,
  RELEASED_TRANSFORMER,
  RELEASED_VAE,
  type TransformerConfig,
} from '@thinkrl/backbones/qwen-image-edit';
import { parseConfig, type QwenVlConfig } from '@thinkrl/backbones/qwen2-5-vl';
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
  understanding: {
    vision: {
      ...{ depth: 32, width: 1280, heads: 16, inner: 3420, channels: 3, patch: 14, temporalPatch: 2 },
      ...{ merge: 2, window: 112, fullAttention: [7, 15, 23, 31], outputs: 3584 },
    },
    language: {
      ...{ vocabulary: 152064, width: 3584, inner: 18944, layers: 28, heads: 28, keyHeads: 4, headSize: 128 },
      ...{ epsilon: 1e-6, theta: 1e6, sections: [16, 24, 24], tied: false },
    },
  },
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
