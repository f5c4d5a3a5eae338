import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Why something could not be written; where the disk is full, with the bytes that were to be written and those that are free.
 *
 * @example
 * writeProblem(error, { path, bytes: 4_000_000 }); // 'ENOSPC: no space left on device, write (4000000 bytes to write, 0 free)'
 */
export function writeProblem(
  cause: unknown,
  { path, bytes }: { readonly path: string; readonly bytes: number },
): string {
  const { message, code } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return message;
  const free = freeBytes(path);
  return `${message} (${bytes} bytes to write${free === null ? '' : `, ${free} free`})`;
}

/** Bytes that this user may still write beside `path`; null where nobody knows. */
function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return null;
  }
}
