import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RunFolderError } from './error.ts';
import { writeProblem } from './write-problem.ts';

/** The places inside a run folder. */
export interface RunFolder {
  readonly root: string;
  readonly config: string;
  readonly metrics: string;
  readonly summary: string;
  readonly chains: string;
  readonly checkpoints: string;
}

/** The layout of the run folder at `root`; touches nothing. */
export function runFolder(root: string): RunFolder {
  return {
    root,
    config: join(root, 'config.json'),
    metrics: join(root, 'metrics.jsonl'),
    summary: join(root, 'summary.json'),
    chains: join(root, 'chains'),
    checkpoints: join(root, 'checkpoints'),
  };
}

/**
 * Makes a new run folder and writes its `config.json`.
 *
 * @throws RunFolderError when it holds a run already or cannot be written.
 */
export function createRunFolder(root: string, config: unknown): RunFolder {
  const folder = runFolder(root);
  const taken = readIfPresent(folder.config) !== null;
  if (taken) throw new RunFolderError(root, 'holds a run already; resume it or choose another folder');
  makeFolder(folder.chains);
  makeFolder(folder.checkpoints);
  writeWhole(folder.config, `${JSON.stringify(config, null, 2)}\n`);
  return folder;
}

/** Makes a folder and its parents. @throws RunFolderError when that fails. */
export function makeFolder(path: string): void {
  try {
    makeWithParents(resolve(path));
  } catch (cause) {
    throw new RunFolderError(path, `cannot be made: ${(cause as Error).message}`, { cause });
  }
}

/** Not `recursive: true`: that never returns under /proc, and calls a read-only file system a missing folder. */
function makeWithParents(path: string): void {
  if (isFolder(path)) return;
  if (path !== dirname(path)) makeWithParents(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The text of a file, or null where there is none. @throws RunFolderError on any other failure. */
export function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new RunFolderError(path, `cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Writes a file whole or not at all: aside, flushed to disk, then renamed.
 *
 * @throws RunFolderError when the folder is read-only or full; the file before it stays as it was.
 */
export function writeWhole(path: string, data: string | Uint8Array): void {
  const aside = `${path}.writing`;
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  try {
    const file = openSync(aside, 'w');
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(aside, path);
    flushToDisk(dirname(path));
  } catch (cause) {
    removeQuietly(aside);
    const problem = writeProblem(cause, { path, bytes: bytes.length });
    throw new RunFolderError(path, `cannot be written: ${problem}`, { cause });
  }
}

/** Removes what a failed write left behind, to free its space; the failure itself is what there is to tell. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {}
}

/** Flushes a folder's entries, or what was appended to a file, to disk, so that it survives a crash of the machine. */
export function flushToDisk(path: string): void {
  const entry = openSync(path, 'r');
  try {
    fsyncSync(entry);
  } finally {
    closeSync(entry);
  }
}
