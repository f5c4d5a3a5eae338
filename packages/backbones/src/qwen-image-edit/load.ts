import { join } from 'node:path';
import {
  leavePending,
  loadParameters,
  openCheckpoint,
  type PendingWeights,
  type StorageType,
} from '@thinkrl/nn';
import { readJson } from '../json-file.ts';
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
  /** What the transformer is still to be given; null when all is there. */
  readonly pending: PendingWeights | null;
  dispose(): void;
}

/** How {@link loadQwenImage} loads. */
export interface LoadQwenImageOptions {
  /** What the transformer's weights are stored and computed in; that of its files unless given. */
  readonly storage?: StorageType;
  /** `later` leaves the transformer's weights in their files, for a model that is shared out; `now` unless given. */
  readonly weights?: 'now' | 'later';
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
  const { storage, weights = 'now' } = options;
  const kind = pipelineKind(folder);
  const config = <T>(part: string, name: string, parse: (json: unknown, path: string) => T) => {
    const path = join(folder, part, name);
    return parse(readJson(path, QwenImageFolderError), path);
  };
  const schedule = config('scheduler', 'scheduler_config.json', parseScheduler);
  const vae = new QwenImageVae(config('vae', 'config.json', parseVaeConfig));
  const transformer = new QwenImageTransformer(config('transformer', 'config.json', parseTransformerConfig));
  let open: PendingWeights | null = null;
  const dispose = () => {
    open?.close();
    transformer.dispose();
    vae.dispose();
  };
  try {
    loadVae(vae, join(folder, 'vae'));
    const { pending, stored } = openTransformer(transformer, join(folder, 'transformer'), storage);
    open = pending;
    if (weights === 'now') {
      pending.fill(transformer.parameters());
      pending.close();
    }
    return {
      ...{ transformer, vae, kind, schedule, dispose },
      ...{ storage: storage ?? stored, pending: weights === 'now' ? null : pending },
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

function loadVae(vae: QwenImageVae, folder: string): void {
  const checkpoint = openCheckpoint(folder);
  try {
    loadParameters(vae.parameters(), vaeTensors(checkpoint.tensors));
  } finally {
    checkpoint.close();
  }
}

/** The weights of a folder, and what its files store them in. */
function openTransformer(
  transformer: QwenImageTransformer,
  folder: string,
  storage: StorageType | undefined,
): { readonly pending: PendingWeights; readonly stored: StorageType } {
  const checkpoint = openCheckpoint(folder);
  try {
    const options = { halves: 'keep', ...(storage && { storage }) } as const;
    const pending = leavePending(transformer.parameters(), checkpoint, options);
    const [first] = checkpoint.tensors.values();
    return { pending, stored: first?.bits?.storage ?? 'float32' };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

function pipelineKind(folder: string): PipelineKind {
  const path = join(folder, 'model_index.json');
  const name = readJson(path, QwenImageFolderError)._class_name;
  const kind = typeof name === 'string' && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined)
    throw new QwenImageFolderError(
      path,
      `the pipeline is ${JSON.stringify(name)}, expected ${Object.keys(KINDS).join(' or ')}`,
    );
  return kind;
}
