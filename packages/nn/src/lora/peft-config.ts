import { AdapterError } from '../error.ts';
import type { LoraLayer } from './lora-adapter.ts';

/** File names of an adapter's folder, as PEFT writes them. */
export const PEFT_FILES = { weights: 'adapter_model.safetensors', config: 'adapter_config.json' } as const;

/** Key of the configuration in the weights' own metadata, as diffusers reads it. */
export const METADATA_KEY = 'lora_adapter_metadata';

/** The fields of PEFT's LoraConfig that say what an adapter computes. */
export interface PeftConfig {
  readonly r?: number;
  readonly lora_alpha?: number;
  readonly alpha_pattern?: Readonly<Record<string, number>>;
}

/** The configuration that PEFT needs to build the adapter's layers again. */
export function peftConfig(layers: ReadonlyMap<string, LoraLayer>, baseModel?: string): object {
  const { rank, alpha } = layers.values().next().value!;
  const others = (field: keyof LoraLayer, usual: number) =>
    Object.fromEntries(
      [...layers].flatMap(([place, layer]) => (layer[field] === usual ? [] : [[place, layer[field]]])),
    );
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: baseModel ?? null,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    rank_pattern: others('rank', rank),
    alpha_pattern: others('alpha', alpha),
    target_modules: [...layers.keys()],
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    init_lora_weights: true,
  };
}

/**
 * Checks a configuration from a file. Throws {@link AdapterError} where it asks for more than `alpha / r · B A`: what is
 * not understood would change the result.
 */
export function checkPeftConfig(path: string, config: unknown): PeftConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new AdapterError(path, 'its configuration is not an object');
  const { peft_type: type = 'LORA', bias = 'none', ...fields } = config as Record<string, unknown>;
  if (type !== 'LORA') throw new AdapterError(path, `it is of type ${String(type)}, not LORA`);
  if (bias !== 'none') throw new AdapterError(path, `it trains biases (bias: ${String(bias)})`);
  for (const field of ['use_dora', 'use_rslora', 'fan_in_fan_out', 'modules_to_save', 'lora_bias'] as const) {
    const value = fields[field];
    if (
      value !== undefined &&
      value !== null &&
      value !== false &&
      (value as { length?: number }).length !== 0
    )
      throw new AdapterError(path, `${field} is ${JSON.stringify(value)}, which is not supported`);
  }
  const { r, lora_alpha: alpha, alpha_pattern: pattern } = fields;
  for (const [field, value] of Object.entries({ r, lora_alpha: alpha, ...(pattern as object | null) }))
    if (value !== undefined && !Number.isFinite(value))
      throw new AdapterError(path, `${field} is ${JSON.stringify(value)}, not a number`);
  return config as PeftConfig;
}

/** Alpha of the layer at `place`: its own pattern's, the adapter's, or its rank. */
export function alphaOf(
  { lora_alpha: alpha, alpha_pattern: pattern }: PeftConfig,
  place: string,
  rank: number,
) {
  const own = Object.entries(pattern ?? {}).find(([end]) => place === end || place.endsWith(`.${end}`));
  return own?.[1] ?? alpha ?? rank;
}
