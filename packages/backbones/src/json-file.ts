import { readFileSync } from 'node:fs';
import type { FileError } from '@thinkrl/spec';

/** The error of a model folder that cannot be used; each kind of model has its own. */
export type FolderErrorClass = new (path: string, problem: string, options?: ErrorOptions) => FileError;

/** The JSON object in a file. Throws `FolderError`, with the path, where there is none. */
export function readJson(path: string, FolderError: FolderErrorClass): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new FolderError(path, missing ? 'there is no such file' : 'it is not JSON', { cause });
  }
  return asObject(path, json, FolderError);
}

/** A value of JSON that must be an object. Throws `FolderError`, with the path, when it is not. */
export function asObject(
  path: string,
  json: unknown,
  FolderError: FolderErrorClass,
): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Readonly<Record<string, unknown>>;
  throw new FolderError(path, 'it is not a JSON object');
}
