import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type HostTensor,
  type LoadOptions,
  loadParameters,
  type Module,
  openCheckpoint,
  type StorageType,
} from '@thinkrl/nn';
import { QwenImageFolderError } from './error.ts';
import type { PipelineKind } from './pipeline/pipeline.ts';
import { parseScheduler, type ScheduleOfSteps } from './pipeline/scheduler.ts';
import { parseTransformerConfig } from './transformer/config.ts';
import { QwenImageTransformer } from './transformer/transformer.ts';
import { parseVaeConfig } from './vae/config.ts';
import { QwenImageVae } from './vae/vae.ts';
import { vaeTensors } from './vae/weights.ts';

/** A loaded Qwen-Image-Edit but for its text encoder. */
export interface QwenImageModels {
  readonly transformer: QwenImageTransformer;
  readonly vae: QwenImageVae;
  readonly kind: PipelineKind;
  readonly schedule: ScheduleOfSteps;
  /** What the transformer's weights are stored and computed in. */
  readonly storage: StorageType;
  dispose(): void;
}

/** How {@link loadQwenImage} loads. */
export interface LoadQwenImageOptions {
  /** What the transformer's weights are stored and computed in; that of its files unless given. */
  readonly storage?: StorageType;
}

const KINDS: Readonly<Record<string, PipelineKind>> = {
  QwenImageEditPipeline: 'edit',
  QwenImageEditPlusPipeline: 'edit-plus',
};

/**
 * Loads transformer, autoencoder and schedule of Qwen-Image-Edit, Edit-2509 or Edit-2511 from a folder as the hub has it, one
 * tensor at a time. The autoencoder is kept in float32.
 *
 * @throws QwenImageFolderError for an incomplete folder or an architecture that is not built here, ParameterMismatchError with
 * what is missing or unexpected, SafetensorsError for damaged files.
 * @example
 * const { transformer, vae, kind, schedule } = loadQwenImage('Qwen-Image-Edit-2511');
 */
export function loadQwenImage(folder: string, options: LoadQwenImageOptions = {}): QwenImageModels {
  const kind = pipelineKind(folder);
  const config = <T>(part: string, name: string, parse: (json: unknown, path: string) => T) => {
    const path = join(folder, part, name);
    return parse(readJson(path), path);
  };
  const schedule = config('scheduler', 'scheduler_config.json', parseScheduler);
  const vae = new QwenImageVae(config('vae', 'config.json', parseVaeConfig));
  const transformer = new QwenImageTransformer(config('transformer', 'config.json', parseTransformerConfig));
  const dispose = () => {
    transformer.dispose();
    vae.dispose();
  };
  let stored: StorageType;
  try {
    load(vae, join(folder, 'vae'), { change: vaeTensors });
    stored = load(transformer, join(folder, 'transformer'), { halves: 'keep', ...options });
  } catch (error) {
    dispose();
    throw error;
  }
  return { transformer, vae, kind, schedule, storage: options.storage ?? stored, dispose };
}

interface Loading extends LoadOptions {
  readonly change?: (tensors: ReadonlyMap<string, HostTensor>) => ReadonlyMap<string, HostTensor>;
}

/** Loads the weights of a folder and says what its files store them in. */
function load(
  model: Module,
  folder: string,
  { change = (tensors) => tensors, ...options }: Loading,
): StorageType {
  const checkpoint = openCheckpoint(folder);
  try {
    loadParameters(model.parameters(), change(checkpoint.tensors), options);
    const [first] = checkpoint.tensors.values();
    return first?.bits?.storage ?? 'float32';
  } finally {
    checkpoint.close();
  }
}

function pipelineKind(folder: string): PipelineKind {
  const path = join(folder, 'model_index.json');
  const name = (readJson(path) as { _class_name?: unknown } | null)?._class_name;
  const kind = typeof name === 'string' && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined)
    throw new QwenImageFolderError(
      path,
      `the pipeline is ${JSON.stringify(name)}, expected ${Object.keys(KINDS).join(' or ')}`,
    );
  return kind;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new QwenImageFolderError(path, missing ? 'there is no such file' : 'it is not JSON', { cause });
  }
}
