import { readFile } from 'node:fs/promises';
import { SafetensorsError } from '../error.ts';
import { decodeTensor } from './decode.ts';
import { headerLength, parseHeader } from './header.ts';
import type { HostTensor } from './host-tensor.ts';

/** The content of a safetensors file. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a whole safetensors file. Throws {@link SafetensorsError} on a missing, truncated or inconsistent one.
 *
 * @example
 * const { tensors } = await readSafetensors('micro.safetensors');
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new SafetensorsError(path, missing ? 'there is no such file' : 'it cannot be read', { cause });
  }
  return parseSafetensors(bytes, path);
}

/** {@link readSafetensors} from memory; `path` is only named in errors. */
export function parseSafetensors(bytes: Uint8Array, path = 'buffer'): SafetensorsFile {
  if (bytes.length < 8) throw new SafetensorsError(path, 'it is shorter than 8 bytes');
  const dataStart = 8 + headerLength(path, bytes);
  if (dataStart > bytes.length) throw new SafetensorsError(path, 'the file ends inside its header');
  const text = bytes.subarray(8, dataStart);
  const { entries, metadata } = parseHeader(path, text, bytes.length - dataStart);
  const tensors = new Map<string, HostTensor>();
  for (const entry of entries) {
    const buffer = copyOf(bytes.subarray(dataStart + entry.begin, dataStart + entry.end));
    tensors.set(entry.name, decodeTensor(entry, { whole: () => buffer }));
  }
  return { tensors, metadata };
}

/** A buffer of its own; `slice` would not copy where `bytes` is a Buffer. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
