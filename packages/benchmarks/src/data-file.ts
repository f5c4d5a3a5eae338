import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { BenchmarkFileError } from './error.ts';

/** The value in a JSON file. @throws BenchmarkFileError when it cannot be read or is no JSON. */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new BenchmarkFileError({ path, problem: `cannot be read (${cause.code})` }, { cause });
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BenchmarkFileError({ path, problem: `is no JSON: ${(cause as Error).message}` }, { cause });
  }
}

/** The path of a file named in an annotation, or null where it would lie outside the folder. */
export function pathInside(folder: string, name: string): string | null {
  const path = resolve(folder, name);
  const way = relative(resolve(folder), path);
  const outside = way === '' || isAbsolute(way) || way.split(/[\\/]/)[0] === '..';
  return outside ? null : path;
}
