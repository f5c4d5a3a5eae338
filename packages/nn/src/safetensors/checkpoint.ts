import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsError } from '../error.ts';
import type { HostTensor } from './host-tensor.ts';
import { type OpenSafetensors, openSafetensors } from './open.ts';

const INDEX_ENDING = '.safetensors.index.json';

/**
 * Opens the weights of a model as the hub lays them out: a safetensors file, a folder with one, or a folder with shards and
 * their `*.safetensors.index.json`. Nothing but headers is read until a tensor is asked for.
 *
 * Throws {@link SafetensorsError} when there is nothing to open, or the index and its shards do not say the same.
 *
 * @example
 * const checkpoint = openCheckpoint('Qwen-Image-Edit/transformer');
 * loadParameters(model.parameters(), checkpoint.tensors, { halves: 'keep' });
 * checkpoint.close();
 */
export function openCheckpoint(path: string): OpenSafetensors {
  if (!isFolder(path)) return openSafetensors(path);
  const names = readdirSync(path).sort();
  const index = single(
    path,
    names.filter((name) => name.endsWith(INDEX_ENDING)),
  );
  if (index !== undefined) return openShards(path, join(path, index));
  const file = single(
    path,
    names.filter((name) => name.endsWith('.safetensors')),
  );
  if (file === undefined) throw new SafetensorsError(path, 'the folder has no safetensors file');
  return openSafetensors(join(path, file));
}

function openShards(folder: string, indexPath: string): OpenSafetensors {
  const places = readIndex(indexPath);
  const shards = new Map<string, OpenSafetensors>();
  const close = () => {
    for (const shard of shards.values()) shard.close();
  };
  try {
    for (const name of new Set(places.values())) shards.set(name, openSafetensors(join(folder, name)));
    checkListed(indexPath, places, shards);
  } catch (error) {
    close();
    throw error;
  }
  const tensors = new Map<string, HostTensor>();
  for (const [name, file] of places) tensors.set(name, shards.get(file)!.tensors.get(name)!);
  return { tensors, metadata: [...shards.values()][0]?.metadata ?? {}, close };
}

/** Which shard each tensor is in. */
function readIndex(path: string): ReadonlyMap<string, string> {
  let index: unknown;
  try {
    index = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new SafetensorsError(path, 'the index is not JSON', { cause });
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new SafetensorsError(path, 'the index has no weight_map');
  for (const [name, file] of Object.entries(map))
    if (typeof file !== 'string' || !isFileName(file))
      throw new SafetensorsError(
        path,
        `${name} is said to be in ${JSON.stringify(file)}, which is no file beside it`,
      );
  return new Map(Object.entries(map as Record<string, string>));
}

/** Whether `name` is a safetensors file of the index's own folder: no path leads out of it. */
function isFileName(name: string): boolean {
  return name.endsWith('.safetensors') && !/[/\\\0]/.test(name);
}

/** Every tensor is where the index says, and no shard holds one that the index does not list there. */
function checkListed(
  path: string,
  places: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, OpenSafetensors>,
): void {
  for (const [name, file] of places)
    if (!shards.get(file)!.tensors.has(name))
      throw new SafetensorsError(path, `${name} is said to be in ${file} and is not`);
  for (const [file, { tensors }] of shards)
    for (const name of tensors.keys())
      if (places.get(name) !== file)
        throw new SafetensorsError(path, `${file} holds ${name}, which the index does not list there`);
}

function single(folder: string, names: readonly string[]): string | undefined {
  if (names.length > 1)
    throw new SafetensorsError(folder, `it holds ${names.join(' and ')}: name one of them`);
  return names[0];
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
