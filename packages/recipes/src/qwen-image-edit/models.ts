import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  LORA_TARGETS,
  loadQwenImage,
  QwenImageBackbone,
  type QwenImageModels,
  qwenImageCodec,
} from '@thinkrl/backbones/qwen-image-edit';
import {
  type LoadedQwenVl,
  loadQwenVl,
  QwenVlPolicy,
  QwenVlTextEncoder,
  type ReasoningForm,
} from '@thinkrl/backbones/qwen2-5-vl';
import {
  createEditSampler,
  type EditBackbone,
  type EditSampler,
  withGuidance,
} from '@thinkrl/edit-generator';
import { LoraAdapter, linearLayers, type Module, type PendingWeights } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { QwenEditConfig } from './config.ts';
import { RememberedBackbone } from './remembered-backbone.ts';

/** Layers of the language model that an adapter for planning takes: those of attention and feed-forward. */
const PLANNER_LAYERS = /^model\.language_model\..*\.(q|k|v|o|gate|up|down)_proj$/;

/** The models of a folder, as loaded. */
export interface FolderModels {
  readonly editing: QwenImageModels;
  /** Text encoder of the editor, and the planner unless that is trained whole. */
  readonly understanding: LoadedQwenVl;
}

/** Understanding and generation modules of Qwen-Image-Edit, set up to think, edit and be trained. */
export interface QwenEditModules {
  /** Null where the planner is served or nobody plans. */
  readonly policy: QwenVlPolicy | null;
  /** With guidance where the settings have it. */
  readonly backbone: EditBackbone;
  readonly editor: EditSampler;
  /** Keeps encoded conditions during an iteration. */
  readonly remembered: RememberedBackbone;
  /** Null where a module has none. */
  readonly adapters: Readonly<Record<'understanding' | 'generation', LoraAdapter | null>>;
}

/** How {@link buildModules} sets modules up. */
export interface ModuleOptions {
  /** How the local planner is asked and read. */
  readonly form?: ReasoningForm | undefined;
  /** Adapters that are attached already, in place of new ones. */
  readonly adapters?: QwenEditModules['adapters'];
}

/**
 * Loads the folder that the settings name, but for the weights of those models that are to be shared out. Throws what the
 * loaders of both models throw.
 */
export function loadFolder(
  { model, storage }: Pick<QwenEditConfig, 'model' | 'storage'>,
  shared: Readonly<Partial<Record<'understanding' | 'generation', boolean>>> = {},
): FolderModels {
  const options = (later = false) => ({
    ...(storage !== 'files' && { storage }),
    weights: later ? ('later' as const) : ('now' as const),
  });
  const understanding = loadQwenVl(model, options(shared.understanding));
  try {
    return { understanding, editing: loadQwenImage(model, options(shared.generation)) };
  } catch (error) {
    understanding.pending?.close();
    understanding.model.dispose();
    throw error;
  }
}

/** What of a folder is loaded now, and until when. */
export interface LoadingOptions {
  /** Models whose weights are left in their files, to be shared out. */
  readonly shared?: Readonly<Partial<Record<'understanding' | 'generation', boolean>>>;
  /** Ends the loading between two tensors: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** {@link loadFolder} that lets signals in while it reads, which takes minutes from a slow disk. */
export async function loadFolderInTurns(
  config: Pick<QwenEditConfig, 'model' | 'storage'>,
  { shared = {}, signal }: LoadingOptions,
): Promise<FolderModels> {
  const { understanding, editing } = loadFolder(config, { understanding: true, generation: true });
  try {
    return {
      understanding: shared.understanding
        ? understanding
        : await filled(understanding, understanding.model, signal),
      editing: shared.generation ? editing : await filled(editing, editing.transformer, signal),
    };
  } catch (error) {
    understanding.pending?.close();
    understanding.model.dispose();
    editing.dispose();
    throw error;
  }
}

/** Gives a model its weights, tensor by tensor. */
async function filled<Loaded extends { readonly pending: PendingWeights | null }>(
  loaded: Loaded,
  model: Module,
  signal: AbortSignal | undefined,
): Promise<Loaded> {
  for (const [name, parameter] of model.parameters()) {
    await nextTurn();
    signal?.throwIfAborted();
    loaded.pending?.fill(new Map([[name, parameter]]));
  }
  loaded.pending?.close();
  return { ...loaded, pending: null };
}

/** Sets the modules up, with new adapters on what is to be trained unless given some. */
export function buildModules(
  models: FolderModels,
  config: QwenEditConfig,
  { form, adapters = newAdapters(models, config) }: ModuleOptions = {},
): QwenEditModules {
  const { editing } = config;
  const { schedule, vae, transformer, kind } = models.editing;
  const inner = new QwenImageBackbone({
    transformer,
    vae,
    kind,
    textEncoder: frozenEncoder(models.understanding, adapters.understanding),
    trainable: adapters.generation?.parameters() ?? new Map(),
    sizes: { area: editing.side ** 2, conditionArea: editing.seenSide ** 2 },
  });
  const remembered = new RememberedBackbone(inner);
  const backbone: EditBackbone =
    editing.guidance === 1
      ? remembered
      : withGuidance(remembered, { scale: editing.guidance, negativeText: editing.negativeText });
  const editor = createEditSampler({
    backbone,
    codec: qwenImageCodec(vae),
    schedule: schedule(editing.steps),
    eta: editing.eta,
  });
  const policy = localPolicy(models, config, { form, adapters });
  return { policy, backbone, editor, remembered, adapters };
}

/** Adapters that training starts from: those of the modules that low-rank updates train. */
function newAdapters(
  { understanding, editing }: FolderModels,
  config: QwenEditConfig,
): QwenEditModules['adapters'] {
  const key = Key.of(config.seed).fold('adapters');
  const { rank, alpha, train, method } = config.understanding;
  const places = [...linearLayers(understanding.model).keys()].filter((place) => PLANNER_LAYERS.test(place));
  const layers = new Map(places.map((place) => [place, { rank, alpha }]));
  return {
    understanding:
      train && method === 'lora'
        ? LoraAdapter.attachLayers(understanding.model, layers, key.fold('understanding'))
        : null,
    generation: config.generation.train
      ? LoraAdapter.attach(editing.transformer, {
          rank: config.generation.rank,
          alpha: config.generation.alpha,
          targets: LORA_TARGETS,
          key: key.fold('generation'),
        })
      : null,
  };
}

/** The text encoder without what the planner has learned: the editor knows the states of the released one. */
function frozenEncoder(models: LoadedQwenVl, adapter: LoraAdapter | null) {
  const encoder = new QwenVlTextEncoder(models);
  return {
    read: encoder.read.bind(encoder),
    encode: (read: Parameters<QwenVlTextEncoder['encode']>[0]) =>
      adapter === null ? encoder.encode(read) : adapter.without(() => encoder.encode(read)),
  };
}

function localPolicy(
  { understanding }: FolderModels,
  { mode, model, planner, understanding: settings }: QwenEditConfig,
  { form, adapters }: Pick<QwenEditModules, 'adapters'> & Pick<ModuleOptions, 'form'>,
): QwenVlPolicy | null {
  if (mode === 'direct' || planner.kind === 'served') return null;
  const whole = settings.train && settings.method === 'full';
  const models = whole ? loadQwenVl(model, { storage: 'float32' }) : understanding;
  return new QwenVlPolicy({
    ...models,
    ...(!whole && { trainable: adapters.understanding?.parameters() ?? new Map() }),
    ...(form !== undefined && { form }),
    maxTokens: planner.mostTokens,
    chainsPerRow: planner.chainsPerRow,
  });
}
