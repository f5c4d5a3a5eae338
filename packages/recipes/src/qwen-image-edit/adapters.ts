import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadPeftAdapter, type PeftPrefix, savePeftAdapter } from '@thinkrl/nn';
import type { FolderModels, QwenEditModules } from './models.ts';

type Adapters = QwenEditModules['adapters'];

/** What names in an adapter's file begin with, so that diffusers finds that of the transformer and PEFT that of the planner. */
const PREFIXES: Readonly<Record<keyof Adapters, PeftPrefix>> = {
  understanding: 'base_model.model.',
  generation: 'transformer.',
};

/** Writes a run's adapters as PEFT lays them out: `understanding` and `generation` in `folder`, each if there is one. */
export async function saveAdapters(folder: string, adapters: Adapters, baseModel: string): Promise<void> {
  for (const name of ['understanding', 'generation'] as const) {
    const adapter = adapters[name];
    if (adapter === null) continue;
    await savePeftAdapter(join(folder, name), adapter, { prefix: PREFIXES[name], baseModel });
  }
}

/**
 * Attaches the adapters of a folder: one of a run, with a folder for each module, or one of the transformer alone in PEFT's
 * or diffusers' layout.
 *
 * @throws SafetensorsError, AdapterError, ParameterMismatchError for files that do not fit the models.
 */
export async function loadAdapters(path: string | null, models: FolderModels): Promise<Adapters> {
  if (path === null) return { understanding: null, generation: null };
  const inside = (name: keyof Adapters) => join(path, name);
  const [understanding, generation] = [inside('understanding'), inside('generation')];
  const apart = existsSync(understanding) || existsSync(generation);
  const load = async (folder: string, model: Parameters<typeof loadPeftAdapter>[1]) =>
    existsSync(folder) ? loadPeftAdapter(folder, model) : null;
  return {
    understanding: apart ? await load(understanding, models.understanding.model) : null,
    generation: apart
      ? await load(generation, models.editing.transformer)
      : await loadPeftAdapter(path, models.editing.transformer),
  };
}
