import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type AdamW, loadParameters, type ParameterMap, readSafetensors, saveParameters } from '@thinkrl/nn';
import { RunFolderError } from './error.ts';
import { flushToDisk, makeFolder, removeQuietly, writeWhole } from './run-folder.ts';
import { writeProblem } from './write-problem.ts';

const FORMAT = 1;

/** A module whose weights and optimiser a checkpoint keeps; a frozen one has no optimiser and is not kept. */
export interface CheckpointModule {
  readonly name: 'understanding' | 'generation';
  readonly parameters: ParameterMap;
  readonly optimizer: AdamW;
}

/** What to save and where. */
export interface CheckpointRequest {
  /** The run's `checkpoints` folder. */
  readonly checkpoints: string;
  readonly iteration: number;
  readonly modules: readonly CheckpointModule[];
  readonly keepCheckpoints: number;
}

interface Manifest {
  readonly format: number;
  readonly iteration: number;
  /** Optimiser steps by module. */
  readonly optimizerSteps: Readonly<Record<string, number>>;
  /** SHA-256 of every file, hexadecimal. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Writes `step-N`: weights, optimiser state and `manifest.json` with hashes; aside first, then renamed, so that a
 * checkpoint is whole or not there. Older ones beyond `keepCheckpoints` are removed.
 *
 * @throws RunFolderError when it cannot be written; earlier checkpoints stay as they were.
 */
export async function saveCheckpoint(request: CheckpointRequest): Promise<void> {
  const target = join(request.checkpoints, `step-${request.iteration}`);
  const aside = join(request.checkpoints, `.step-${request.iteration}.writing`);
  try {
    rmSync(aside, { recursive: true, force: true });
    makeFolder(aside);
    for (const module of request.modules) await saveModule(aside, module);
    writeWhole(join(aside, 'manifest.json'), `${JSON.stringify(manifestOf(aside, request), null, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(aside, target);
    flushToDisk(request.checkpoints);
  } catch (cause) {
    removeQuietly(aside);
    const problem = writeProblem(cause, { path: target, bytes: bytesOf(request) });
    throw new RunFolderError(target, `cannot be saved: ${problem}`, { cause });
  }
  for (const step of savedSteps(request.checkpoints).slice(0, -request.keepCheckpoints)) {
    rmSync(join(request.checkpoints, `step-${step}`), { recursive: true, force: true });
  }
}

/** Weights and both moments of every module, all kept in float32. */
function bytesOf({ modules }: CheckpointRequest): number {
  const sizes = modules.flatMap(({ parameters }) => [...parameters.values()].map(({ size }) => size));
  return 3 * 4 * sizes.reduce((sum, size) => sum + size, 0);
}

async function saveModule(folder: string, { name, parameters, optimizer }: CheckpointModule): Promise<void> {
  await saveParameters(join(folder, `${name}.safetensors`), parameters);
  await saveParameters(join(folder, `${name}.optimizer.safetensors`), optimizer.state().moments);
}

function manifestOf(folder: string, { iteration, modules }: CheckpointRequest): Manifest {
  const files = readdirSync(folder).filter((file) => file.endsWith('.safetensors'));
  return {
    format: FORMAT,
    iteration,
    optimizerSteps: Object.fromEntries(modules.map(({ name, optimizer }) => [name, optimizer.state().step])),
    files: Object.fromEntries(files.sort().map((file) => [file, sha256(join(folder, file))])),
  };
}

/** Iterations that have a checkpoint, ascending. */
export function savedSteps(checkpoints: string): readonly number[] {
  if (!existsSync(checkpoints)) return [];
  return readdirSync(checkpoints)
    .flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : []))
    .sort((a, b) => a - b);
}

/**
 * Loads the checkpoint of `iteration` into the modules and their optimisers.
 *
 * @throws RunFolderError when it is damaged, of a newer format, or lacks a module; names the last whole one before it.
 */
export async function loadCheckpoint(
  checkpoints: string,
  iteration: number,
  modules: readonly CheckpointModule[],
): Promise<void> {
  const folder = join(checkpoints, `step-${iteration}`);
  const manifest = verifiedManifest(checkpoints, iteration);
  for (const { name, parameters, optimizer } of modules) {
    const weights = await readSafetensors(join(folder, `${name}.safetensors`));
    const moments = await readSafetensors(join(folder, `${name}.optimizer.safetensors`));
    loadParameters(parameters, weights.tensors);
    optimizer.load(manifest.optimizerSteps[name] ?? 0, moments.tensors);
  }
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
  const { files } = verifiedManifest(checkpoints, iteration);
  for (const [name, parameters] of Object.entries(modules)) {
    const file = `${name}.safetensors`;
    if (!(file in files)) continue;
    loadParameters(parameters, (await readSafetensors(join(checkpoints, `step-${iteration}`, file))).tensors);
  }
}

function verifiedManifest(checkpoints: string, iteration: number): Manifest {
  const folder = join(checkpoints, `step-${iteration}`);
  const problem = problemOf(folder);
  if (problem === null) return readManifest(folder);
  const whole = savedSteps(checkpoints).filter(
    (step) => step < iteration && problemOf(join(checkpoints, `step-${step}`)) === null,
  );
  const offer = whole.length > 0 ? `; step-${whole.at(-1)} is whole: remove ${folder} to resume from it` : '';
  throw new RunFolderError(folder, `${problem}${offer}`);
}

function problemOf(folder: string): string | null {
  try {
    const manifest = readManifest(folder);
    if (manifest.format > FORMAT)
      return `was written by a newer version (format ${manifest.format}, known: ${FORMAT})`;
    const wrong = Object.entries(manifest.files).find(([file, hash]) => sha256(join(folder, file)) !== hash);
    return wrong ? `${wrong[0]} does not have the hash in manifest.json` : null;
  } catch (error) {
    return (error as Error).message;
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
