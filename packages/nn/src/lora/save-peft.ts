import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SaveOptions, saveParameters } from '../parameters.ts';
import type { LoraAdapter } from './lora-adapter.ts';
import { METADATA_KEY, PEFT_FILES, peftConfig } from './peft-config.ts';

/** What names in the file begin with: `base_model.model.` for PEFT, the pipeline's part and a dot for diffusers. */
export type PeftPrefix = 'base_model.model.' | 'transformer.' | 'text_encoder.';

/** How {@link savePeftAdapter} writes an adapter. */
export interface SavePeftOptions extends Pick<SaveOptions, 'dtype'> {
  /** `base_model.model.` unless given. */
  readonly prefix?: PeftPrefix;
  /** Name or folder of the model that the adapter is for. */
  readonly baseModel?: string;
}

/**
 * Writes an adapter as PEFT lays it out: `adapter_model.safetensors` and `adapter_config.json` in `folder`. With a
 * pipeline's prefix the weights carry the configuration in their metadata, where diffusers looks for it.
 *
 * @example
 * await savePeftAdapter('runs/one/adapter', adapter, { prefix: 'transformer.' });
 */
export async function savePeftAdapter(
  folder: string,
  adapter: LoraAdapter,
  { prefix = 'base_model.model.', baseModel, dtype = 'F32' }: SavePeftOptions = {},
): Promise<void> {
  const config = peftConfig(adapter.layers, baseModel);
  const parameters = new Map([...adapter.parameters()].map(([name, value]) => [prefix + name, value]));
  await mkdir(folder, { recursive: true });
  await saveParameters(join(folder, PEFT_FILES.weights), parameters, {
    dtype,
    metadata: { format: 'pt', ...metadataOf(prefix, config) },
  });
  await writeFile(join(folder, PEFT_FILES.config), `${JSON.stringify(config, null, 2)}\n`);
}

function metadataOf(prefix: PeftPrefix, config: object): Record<string, string> {
  if (prefix === 'base_model.model.') return {};
  const named = Object.entries(config).map(([field, value]) => [prefix + field, value] as const);
  return { [METADATA_KEY]: JSON.stringify(Object.fromEntries(named)) };
}
