import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromEveryRank, type ProcessGroup } from '@thinkrl/fsdp-shard';
import { RunFolderError } from './error.ts';

/** Of the newest layout; 1 knew no ranks. */
export const FORMAT = 2;

/** What a checkpoint says of itself in `manifest.json`. */
export interface Manifest {
  readonly format: number;
  readonly iteration: number;
  /** Ranks that wrote it. */
  readonly worldSize?: number;
  /** Optimiser steps by module. */
  readonly optimizerSteps: Readonly<Record<string, number>>;
  /** SHA-256 of every file, hexadecimal. */
  readonly files: Readonly<Record<string, string>>;
}

/** The folder of an iteration's checkpoint. */
export function checkpointFolder(checkpoints: string, iteration: number): string {
  return join(checkpoints, `step-${iteration}`);
}

/** Iterations that have a checkpoint, ascending. */
export function savedSteps(checkpoints: string): readonly number[] {
  if (!existsSync(checkpoints)) return [];
  return readdirSync(checkpoints)
    .flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : []))
    .sort((a, b) => a - b);
}

/**
 * Reads the manifest of a checkpoint and checks every file against it; the ranks of a group share the work.
 *
 * @throws RunFolderError, on every rank, when the checkpoint is damaged or of a newer format; names the last whole one.
 */
export async function verifiedManifest(
  checkpoints: string,
  iteration: number,
  group: ProcessGroup,
): Promise<Manifest> {
  const folder = checkpointFolder(checkpoints, iteration);
  const problem = await problemOf(folder, group);
  if (problem === null) return readManifest(folder);
  const whole = await lastWhole(checkpoints, iteration, group);
  const offer = whole === null ? '' : `; step-${whole} is whole: remove ${folder} to resume from it`;
  throw new RunFolderError(folder, `${problem}${offer}`);
}

async function lastWhole(checkpoints: string, before: number, group: ProcessGroup): Promise<number | null> {
  const [steps] = await fromEveryRank(group, savedSteps(checkpoints));
  for (const step of steps!.filter((step) => step < before).reverse())
    if ((await problemOf(checkpointFolder(checkpoints, step), group)) === null) return step;
  return null;
}

/** What is wrong with a checkpoint, as the first rank that found something says; the same on every rank. */
async function problemOf(folder: string, group: ProcessGroup): Promise<string | null> {
  const found = await fromEveryRank(group, await problemFoundBy(group, folder));
  const rank = found.findIndex((problem) => problem !== null);
  if (rank < 0) return null;
  return group.worldSize === 1 ? found[rank]! : `${found[rank]} (found by rank ${rank})`;
}

/** Looks at the manifest, and at every so manieth file. */
async function problemFoundBy({ rank, worldSize }: ProcessGroup, folder: string): Promise<string | null> {
  const manifest = usableManifest(folder);
  if (typeof manifest === 'string') return manifest;
  const files = Object.entries(manifest.files);
  const missing = files.find(([file]) => !existsSync(join(folder, file)));
  if (missing !== undefined) return `${missing[0]} is missing`;
  for (const [file, hash] of files.filter((_, i) => i % worldSize === rank)) {
    const found = await sha256(join(folder, file)).catch((error: Error) => error);
    if (found instanceof Error) return `${file} cannot be read: ${found.message}`;
    if (found !== hash) return `${file} does not have the hash in manifest.json`;
  }
  return null;
}

/** The manifest, or what is wrong with it. */
function usableManifest(folder: string): Manifest | string {
  try {
    const manifest = readManifest(folder);
    const { format, files } = manifest;
    if (format > FORMAT) return `was written by a newer version (format ${format}, known: ${FORMAT})`;
    return files ? manifest : 'manifest.json names no files';
  } catch (error) {
    return `manifest.json cannot be read: ${(error as Error).message}`;
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
}

/** SHA-256 of a file, hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
