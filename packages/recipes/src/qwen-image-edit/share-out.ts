import { transformerUnits } from '@thinkrl/backbones/qwen-image-edit';
import { understandingUnits } from '@thinkrl/backbones/qwen2-5-vl';
import { fullyShard, type ShardedModule } from '@thinkrl/fsdp-shard';
import type { LoraAdapter, Module, PendingWeights } from '@thinkrl/nn';
import type { ReferenceWeights, SharedOut } from '@thinkrl/orchestrator';
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

/**
 * Shares out what the settings say, block by block, each with its adapter: frozen weights in their own storage, adapters in
 * float32. Nothing where a group has one rank.
 */
export function shareOut(
  { understanding, editing }: FolderModels,
  adapters: QwenEditModules['adapters'],
  { sharding, groups }: { readonly sharding: QwenEditConfig['sharding']; readonly groups: SharingGroups },
): SharedModels {
  const { group, replicas } = groups;
  if (group.worldSize === 1) {
    loadRest(understanding.pending, understanding.model);
    loadRest(editing.pending, editing.transformer);
    return { modules: {}, together: [] };
  }
  const shared = (adapter: LoraAdapter | null, storage: FolderModels['editing']['storage']) => ({
    ...{ group, trainable: adapter?.parameters() ?? new Map() },
    ...(replicas !== null && { replicas }),
    mixedPrecision: { frozen: storage },
  });
  const planner = sharding.understanding
    ? fullyShard(understanding.model, {
        ...shared(adapters.understanding, understanding.model.storage),
        ...(understanding.pending && { fill: understanding.pending.fill }),
        units: understandingUnits(understanding.model),
      })
    : null;
  const editor = sharding.generation
    ? fullyShard(editing.transformer, {
        ...shared(adapters.generation, editing.storage),
        ...(editing.pending && { fill: editing.pending.fill }),
        units: transformerUnits(editing.transformer),
      })
    : null;
  for (const { pending } of [understanding, editing]) pending?.close();
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

/** Gives a model that is not shared out after all its weights. */
function loadRest(pending: PendingWeights | null, model: Module): void {
  pending?.fill(model.parameters());
  pending?.close();
}

/** An adapter starts as nothing: without it the model is what it was before training. */
function withoutAdapter(adapter: LoraAdapter): ReferenceWeights {
  return { during: (fn) => adapter.without(fn) };
}
