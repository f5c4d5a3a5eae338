import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Key } from '@thinkrl/spec';
import { AdapterError, ParameterMismatchError } from '../error.ts';
import type { Module } from '../modules/module.ts';
import { loadParameters } from '../parameters.ts';
import type { HostTensor } from '../safetensors/host-tensor.ts';
import { openSafetensors } from '../safetensors/open.ts';
import type { SafetensorsFile } from '../safetensors/read.ts';
import { LoraAdapter, type LoraLayer, linearLayers } from './lora-adapter.ts';
import { alphaOf, checkPeftConfig, METADATA_KEY, PEFT_FILES, type PeftConfig } from './peft-config.ts';

/** How {@link loadPeftAdapter} reads an adapter. */
export interface LoadPeftOptions {
  /** Alpha where the file does not say; each layer's rank unless given. */
  readonly alpha?: number;
}

/**
 * Attaches an adapter from a folder as PEFT lays it out, or from a safetensors file alone. Names may begin as PEFT's
 * (`base_model.model.`), diffusers' (`transformer.`) or others' in circulation (`diffusion_model.`, `lora_unet_`); alpha is
 * what a layer's own tensor, the configuration or the metadata says.
 *
 * @throws SafetensorsError for an unreadable file, AdapterError for a configuration that is not understood,
 * ParameterMismatchError for names or shapes that do not fit the model; the model is then as it was.
 * @example
 * const adapter = await loadPeftAdapter('runs/one/adapter', backbone.model);
 */
export async function loadPeftAdapter(
  path: string,
  model: Module,
  { alpha }: LoadPeftOptions = {},
): Promise<LoraAdapter> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = openSafetensors(isFolder ? join(path, PEFT_FILES.weights) : path);
  try {
    const told = isFolder ? readConfig(path, file) : metadataConfig(path, file);
    const config = alpha === undefined ? told : { lora_alpha: alpha, ...told };
    const parts = partsOf(file.tensors, model);
    const adapter = LoraAdapter.attachLayers(model, layersOf(path, parts, config), Key.of(0));
    fill(adapter, parts);
    return adapter;
  } finally {
    file.close();
  }
}

/** The tensors of one layer. */
type LayerPart = 'lora_A.weight' | 'lora_B.weight' | 'alpha';
type LayerParts = ReadonlyMap<string, ReadonlyMap<LayerPart, HostTensor>>;

function fill(adapter: LoraAdapter, parts: LayerParts): void {
  const tensors = [...parts].flatMap(([place, layer]) =>
    [...layer].flatMap(([part, tensor]) => (part === 'alpha' ? [] : [[`${place}.${part}`, tensor] as const])),
  );
  try {
    loadParameters(adapter.parameters(), new Map(tensors));
  } catch (error) {
    adapter.dispose();
    throw error;
  }
}

function layersOf(path: string, parts: LayerParts, config: PeftConfig): ReadonlyMap<string, LoraLayer> {
  if (parts.size === 0) throw new AdapterError(path, 'it holds no tensors');
  const missing: string[] = [];
  const layers = new Map<string, LoraLayer>();
  for (const [place, layer] of parts) {
    for (const part of ['lora_A.weight', 'lora_B.weight'] as const)
      if (!layer.has(part)) missing.push(`${place}.${part}`);
    const rank = layer.get('lora_A.weight')?.shape[0] ?? 1;
    const own = layer.get('alpha')?.data[0];
    layers.set(place, { rank, alpha: own === undefined ? alphaOf(config, place, rank) : Number(own) });
  }
  if (missing.length > 0) throw new ParameterMismatchError({ missing, unexpected: [], shapes: [] });
  return layers;
}

/** Sorts tensors by the layer of the model that they are for. */
function partsOf(tensors: ReadonlyMap<string, HostTensor>, model: Module): LayerParts {
  const find = placeFinder(model);
  const parts = new Map<string, Map<LayerPart, HostTensor>>();
  const unexpected: string[] = [];
  for (const [name, tensor] of tensors) {
    const { start, part } = splitName(name);
    const place = part === undefined ? undefined : find(start);
    if (place === undefined || part === undefined) unexpected.push(name);
    else parts.set(place, (parts.get(place) ?? new Map<LayerPart, HostTensor>()).set(part, tensor));
  }
  if (unexpected.length > 0) throw new ParameterMismatchError({ missing: [], unexpected, shapes: [] });
  return parts;
}

const ENDINGS: readonly (readonly [ending: RegExp, part: LayerPart])[] = [
  [/\.(lora_A|lora_down)(\.default)?\.weight$/, 'lora_A.weight'],
  [/\.(lora_B|lora_up)(\.default)?\.weight$/, 'lora_B.weight'],
  [/\.alpha$/, 'alpha'],
];

function splitName(name: string): { readonly start: string; readonly part: LayerPart | undefined } {
  const found = ENDINGS.find(([ending]) => ending.test(name));
  return { start: found === undefined ? name : name.replace(found[0], ''), part: found?.[1] };
}

const PREFIXES = ['base_model.model.', 'transformer.', 'text_encoder.', 'diffusion_model.', ''] as const;

/** Finds a layer's place by the start of a name in a file. */
function placeFinder(model: Module): (start: string) => string | undefined {
  const places = [...linearLayers(model).keys()];
  const known = new Map(PREFIXES.flatMap((prefix) => places.map((place) => [prefix + place, place])));
  for (const place of places) known.set(`lora_unet_${place.replaceAll('.', '_')}`, place);
  return (start) => known.get(start);
}

function readConfig(folder: string, file: SafetensorsFile): PeftConfig {
  const path = join(folder, PEFT_FILES.config);
  if (!existsSync(path)) return metadataConfig(folder, file);
  return checkPeftConfig(path, parsed(path, readFileSync(path, 'utf8')));
}

/** The configuration that diffusers keeps in the metadata of the weights. */
function metadataConfig(path: string, { metadata }: SafetensorsFile): PeftConfig {
  const text = metadata[METADATA_KEY];
  if (text === undefined) return {};
  const fields = Object.entries((parsed(path, text) ?? {}) as object).map(
    ([name, value]) => [name.replace(/^(transformer|text_encoder)\./, ''), value] as const,
  );
  return checkPeftConfig(path, Object.fromEntries(fields));
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AdapterError(path, 'its configuration is not JSON', { cause });
  }
}
