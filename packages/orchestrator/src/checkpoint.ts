import { readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ProcessGroup, singleProcess, together } from '@thinkrl/fsdp-shard';
import type { ParameterMap } from '@thinkrl/nn';
import { ConfigError } from '@thinkrl/spec';
import {
  checkpointFolder,
  FORMAT,
  type Manifest,
  savedSteps,
  sha256,
  verifiedManifest,
} from './checkpoint-manifest.ts';
import { type CheckpointModule, loadModule, loadWeights, saveModule } from './checkpoint-module.ts';
import { RunFolderError } from './error.ts';
import { flushToDisk, makeFolder, removeQuietly, writeWhole } from './run-folder.ts';
import { writeProblem } from './write-problem.ts';

/** Which checkpoint of which modules, and who takes part. */
export interface LoadRequest {
  /** The run's `checkpoints` folder, the same for every rank. */
  readonly checkpoints: string;
  readonly iteration: number;
  readonly modules: readonly CheckpointModule[];
  /**
   * All ranks; those that share the modules out, or this process alone, unless given. It must be given where others keep the
   * same parts, and where ranks hold modules that are not shared out.
   */
  readonly processGroup?: ProcessGroup;
}

/** What to save and where. */
export interface CheckpointRequest extends LoadRequest {
  readonly keepCheckpoints: number;
}

/**
 * Writes `step-N`: weights, optimiser state and `manifest.json` with hashes; aside first, then renamed once every rank has
 * written its files, so that a checkpoint is whole or not there. Older ones beyond `keepCheckpoints` are removed.
 *
 * @throws RunFolderError, on every rank, when one cannot write; earlier checkpoints stay as they were.
 * @throws ConfigError when `processGroup` is missing where the ranks that share the modules out are not all.
 */
export async function saveCheckpoint(request: CheckpointRequest): Promise<void> {
  const { checkpoints, iteration, modules, keepCheckpoints } = request;
  const group = groupOf(request);
  const first = group.rank === 0;
  const target = checkpointFolder(checkpoints, iteration);
  const aside = join(checkpoints, `.step-${iteration}.writing`);
  try {
    await together(group, () => first && makeAnew(aside));
    const files = await together(group, () => writeFiles(aside, modules, group));
    const manifest = manifestOf(request, files);
    await together(group, () => first && putInPlace(aside, target, manifest));
  } catch (cause) {
    if (first) removeQuietly(aside);
    const problem = writeProblem(cause, { path: target, bytes: bytesOf(modules) });
    throw new RunFolderError(target, `cannot be saved: ${problem}`, { cause });
  }
  if (!first) return;
  for (const step of savedSteps(checkpoints).slice(0, -keepCheckpoints))
    rmSync(checkpointFolder(checkpoints, step), { recursive: true, force: true });
}

/** What this rank keeps of every module: weights, two moments, and the average where there is one, all in float32. */
function bytesOf(modules: readonly CheckpointModule[]): number {
  const sizes = modules.flatMap(({ parameters, average }) =>
    [...parameters.values()].map(({ size }) => (average === undefined ? 3 : 4) * size),
  );
  return 4 * sizes.reduce((sum, size) => sum + size, 0);
}

function groupOf({ modules, processGroup }: LoadRequest): ProcessGroup {
  if (processGroup !== undefined) return processGroup;
  const sharded = modules.find((module) => module.sharded !== undefined)?.sharded;
  if ((sharded?.replicas ?? null) !== null)
    throw new ConfigError({
      field: 'processGroup',
      value: undefined,
      fix: 'give the group of all ranks: several groups share the modules out',
    });
  return sharded?.group ?? singleProcess();
}

/** Makes the folder that a checkpoint is written to, and clears those of saves that were killed. */
function makeAnew(folder: string): void {
  const checkpoints = dirname(folder);
  makeFolder(checkpoints);
  for (const name of readdirSync(checkpoints))
    if (/^\.step-\d+\.writing$/.test(name)) rmSync(join(checkpoints, name), { recursive: true, force: true });
  makeFolder(folder);
}

/** Writes this rank's files; their hashes by name. */
async function writeFiles(
  folder: string,
  modules: readonly CheckpointModule[],
  group: ProcessGroup,
): Promise<Manifest['files']> {
  const hashes: Record<string, string> = {};
  for (const module of modules)
    for (const file of await saveModule(folder, module, group))
      hashes[file] = await sha256(join(folder, file));
  return hashes;
}

/** The manifest of what every rank wrote. */
function manifestOf(
  { iteration, modules }: CheckpointRequest,
  written: readonly Manifest['files'][],
): Manifest {
  const files = written.flatMap((files) => Object.entries(files));
  return {
    format: FORMAT,
    iteration,
    worldSize: written.length,
    optimizerSteps: Object.fromEntries(modules.map(({ name, optimizer }) => [name, optimizer.state().step])),
    files: Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function putInPlace(aside: string, target: string, manifest: Manifest): void {
  writeWhole(join(aside, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(target, { recursive: true, force: true });
  renameSync(aside, target);
  flushToDisk(join(target, '..'));
}

/**
 * Loads the checkpoint of `iteration` into the modules and their optimisers, whatever number of ranks wrote it. A rank reads
 * of a sharded module what it keeps, and its share of the files once more to check their hashes.
 *
 * @throws RunFolderError, on every rank, when it is damaged, of a newer format, or lacks a module; names the last whole one
 * before it.
 * @throws ConfigError as {@link saveCheckpoint} does.
 */
export async function loadCheckpoint(request: LoadRequest): Promise<void> {
  const { checkpoints, iteration, modules } = request;
  const group = groupOf(request);
  const { files, optimizerSteps } = await verifiedManifest(checkpoints, iteration, group);
  const source = { folder: checkpointFolder(checkpoints, iteration), files: Object.keys(files) };
  await together(group, () => {
    for (const module of modules) {
      const step = optimizerSteps[module.name];
      if (step === undefined) throw new RunFolderError(source.folder, `holds no ${module.name} module`);
      loadModule(source, module, step);
    }
  });
}

/**
 * Loads only the weights that a checkpoint holds, by module name; a module it does not hold stays as it is.
 *
 * @throws RunFolderError as {@link loadCheckpoint} does.
 */
export async function loadCheckpointWeights(
  checkpoints: string,
  iteration: number,
  modules: Readonly<Record<CheckpointModule['name'], ParameterMap>>,
): Promise<void> {
  const { files } = await verifiedManifest(checkpoints, iteration, singleProcess());
  const source = { folder: checkpointFolder(checkpoints, iteration), files: Object.keys(files) };
  for (const name of ['understanding', 'generation'] as const) loadWeights(source, name, modules[name]);
}
