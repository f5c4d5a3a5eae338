import { transformerUnits } from '@thinkrl/backbones/qwen-image-edit';
import { understandingUnits } from '@thinkrl/backbones/qwen2-5-vl';
import { type FullyShardOptions, fullyShardInTurns, type ShardedModule } from '@thinkrl/fsdp-shard';
import type { LoraAdapter, Module, PendingWeights } from '@thinkrl/nn';
import type { IterationStop, ReferenceWeights, SharedOut } from '@thinkrl/orchestrator';
import type { SharedModules } from '../module-training.ts';
import type { SharingGroups } from '../ranks.ts';
import type { QwenEditConfig } from './config.ts';
import type { FolderModels, QwenEditModules } from './models.ts';

/** What is shared out of the models of a run. */
export interface SharedModels {
  /** By module that is trained. */
  readonly modules: SharedModules;
  /** All that are shared out, trained or not. */
  readonly together: readonly ShardedModule[];
}

/** What is shared out, over which ranks. */
export interface SharingOptions {
  readonly sharding: QwenEditConfig['sharding'];
  readonly groups: SharingGroups;
  /** Ends it between two blocks. */
  readonly stop: Pick<IterationStop, 'meet'>;
}

/**
 * Shares out what the settings say, block by block, each with its adapter: frozen weights in their own storage, adapters in
 * float32. Nothing where a group has one rank.
 *
 * @throws the reason of `stop.signal`, on all ranks, where one is told to stop before it is done.
 */
export async function shareOut(
  { understanding, editing }: FolderModels,
  adapters: QwenEditModules['adapters'],
  { sharding, groups, stop }: SharingOptions,
): Promise<SharedModels> {
  const { group, replicas } = groups;
  if (group.worldSize === 1) {
    loadRest(understanding.pending, understanding.model);
    loadRest(editing.pending, editing.transformer);
    return { modules: {}, together: [] };
  }
  const shared = ({ model, units, pending, storage }: Shareable, adapter: LoraAdapter | null) => {
    const options = {
      ...{ group, units, trainable: adapter?.parameters() ?? new Map(), mixedPrecision: { frozen: storage } },
      ...(replicas !== null && { replicas }),
      ...(pending && { fill: pending.fill }),
    };
    return fullyShardInTurns(model, options, () => stop.meet());
  };
  let planner: ShardedModule | null = null;
  let editor: ShardedModule | null = null;
  try {
    if (sharding.understanding) {
      const { model, pending } = understanding;
      const parts = { model, pending, storage: model.storage, units: understandingUnits(model) };
      planner = await shared(parts, adapters.understanding);
    }
    if (sharding.generation) {
      const { transformer: model, pending, storage } = editing;
      editor = await shared({ model, pending, storage, units: transformerUnits(model) }, adapters.generation);
    }
  } finally {
    for (const { pending } of [understanding, editing]) pending?.close();
  }
  const together = [planner, editor].filter((module) => module !== null);
  const trained = (module: ShardedModule | null, adapter: LoraAdapter | null) =>
    module === null || adapter === null
      ? undefined
      : { parts: { module, together } satisfies SharedOut, reference: withoutAdapter(adapter) };
  return {
    modules: {
      understanding: trained(planner, adapters.understanding),
      generation: trained(editor, adapters.generation),
    },
    together,
  };
}

/** A model that can be shared out. */
interface Shareable extends Pick<FolderModels['editing'], 'pending' | 'storage'> {
  readonly model: Module;
  readonly units: FullyShardOptions['units'];
}

/** Gives a model that is not shared out after all its weights. */
function loadRest(pending: PendingWeights | null, model: Module): void {
  pending?.fill(model.parameters());
  pending?.close();
}

/** An adapter starts as nothing: without it the model is what it was before training. */
function withoutAdapter(adapter: LoraAdapter): ReferenceWeights {
  return { during: (fn) => adapter.without(fn) };
}
