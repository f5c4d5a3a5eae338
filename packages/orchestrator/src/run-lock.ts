import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { RunFolderError } from './error.ts';
import { makeFolder, type RunFolder, readIfPresent, removeQuietly } from './run-folder.ts';

/** A process, told apart from a later one with the same id by the kernel's start time, where there is one. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly start: string | null;
}

/**
 * Does `work` while a file `lock` keeps other processes out of the run folder, which is made where it is missing. A lock
 * whose process is gone is taken over.
 *
 * @throws RunFolderError when a living process holds the folder, or the lock cannot be written.
 * @example
 * await holdingRunFolder(runFolder('runs/first'), () => train(run));
 */
export async function holdingRunFolder<T>(
  { root }: Pick<RunFolder, 'root'>,
  work: () => Promise<T>,
): Promise<T> {
  makeFolder(root);
  const path = join(root, 'lock');
  const holder = readHolder(path);
  if (holder !== null && mayLive(holder)) throw new RunFolderError(root, inUse(holder, path));
  takeLock(path);
  try {
    return await work();
  } finally {
    removeQuietly(path);
  }
}

function takeLock(path: string): void {
  try {
    rmSync(path, { force: true });
    writeFileSync(path, JSON.stringify(holderOf(process.pid)), { flag: 'wx' });
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    if (!taken) removeQuietly(path);
    const problem = taken ? 'is held by another process' : `cannot be written: ${(cause as Error).message}`;
    throw new RunFolderError(path, problem, { cause });
  }
}

function inUse({ host, pid }: Holder, path: string): string {
  return host === hostname()
    ? `is in use by process ${pid}; wait for it or end it`
    : `is in use by process ${pid} on ${host}; if that is gone, remove ${path}`;
}

/** Null where there is no lock, or one cut short by a crash. */
function readHolder(path: string): Holder | null {
  const text = readIfPresent(path);
  try {
    return text === null ? null : (JSON.parse(text) as Holder);
  } catch {
    return null;
  }
}

function mayLive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return holder.start === null || holderOf(holder.pid).start === holder.start;
}

function holderOf(pid: number): Holder {
  return { host: hostname(), pid, start: startTime(pid) };
}

/** Field 22 of `/proc/PID/stat`; the command's name before it may hold blanks. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
