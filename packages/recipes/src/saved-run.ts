import { readFileSync } from 'node:fs';
import { type RunFolder, RunFolderError } from '@thinkrl/orchestrator';

/** What a run's `config.json` holds. */
export interface SavedRun {
  readonly recipe: string;
  readonly config: unknown;
  /** Weights that the run started from, where it was told. */
  readonly weights: string | null;
}

/** Reads what a run was set up with. @throws RunFolderError when there is no run in the folder. */
export function readSavedRun(folder: RunFolder): SavedRun {
  try {
    const saved = JSON.parse(readFileSync(folder.config, 'utf8')) as Partial<SavedRun> | null;
    const { recipe = 'micro', config, weights = null } = saved ?? {};
    if (config !== undefined) return { recipe, config, weights };
  } catch (cause) {
    throw new RunFolderError(folder.root, `holds no run to resume: ${(cause as Error).message}`, { cause });
  }
  throw new RunFolderError(folder.root, 'holds no run to resume: its config.json has no settings');
}
