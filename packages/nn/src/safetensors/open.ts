import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SafetensorsError } from '../error.ts';
import { decodeTensor } from './decode.ts';
import { type Header, headerLength, parseHeader } from './header.ts';
import type { HostTensor } from './host-tensor.ts';
import type { SafetensorsFile } from './read.ts';

/** A safetensors file of which only the header was read; {@link OpenSafetensors.close} when done. */
export interface OpenSafetensors extends SafetensorsFile {
  /** Tensors whose `data` and `bits` are read from their place in the file each time they are asked for. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  close(): void;
}

/**
 * Opens a safetensors file and reads its header alone, so that a file larger than memory can be read tensor by tensor.
 * Throws {@link SafetensorsError} on a missing, truncated or inconsistent one, here or when a tensor is asked for.
 *
 * @example
 * const file = openSafetensors('model-00001-of-00009.safetensors');
 * loadParameters(model.parameters(), file.tensors);
 * file.close();
 */
export function openSafetensors(path: string): OpenSafetensors {
  const file = openFile(path);
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw new SafetensorsError(path, 'it is not a file');
    const { size } = status;
    if (size < 8) throw new SafetensorsError(path, 'it is shorter than 8 bytes');
    const at = { path, file };
    const dataStart = 8 + headerLength(path, new Uint8Array(readRange(at, 0, 8)));
    if (dataStart > size) throw new SafetensorsError(path, 'the file ends inside its header');
    const text = new Uint8Array(readRange(at, 8, dataStart));
    const header = parseHeader(path, text, size - dataStart);
    return { metadata: header.metadata, tensors: lazyTensors(at, header, dataStart), close: closing(file) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

interface Place {
  readonly path: string;
  readonly file: number;
}

/** Bytes of a tensor that are on the host at a time where it is asked for in parts. */
const PART = 64 << 20;

function lazyTensors(at: Place, { entries }: Header, dataStart: number): ReadonlyMap<string, HostTensor> {
  let scratch: Uint8Array | undefined;
  const parts = function* (begin: number, end: number) {
    scratch ??= new Uint8Array(PART);
    for (let start = begin; start < end; start += PART) {
      const part = scratch.subarray(0, Math.min(PART, end - start));
      readInto(at, part, start);
      yield part;
    }
  };
  return new Map(
    entries.map((entry) => {
      const [begin, end] = [dataStart + entry.begin, dataStart + entry.end];
      const source = {
        whole: () => readRange(at, begin, end),
        parts: () => parts(begin, end),
        range: (from: number, to: number) => readRange(at, begin + from, begin + Math.min(to, end - begin)),
      };
      return [entry.name, decodeTensor(entry, source)];
    }),
  );
}

function readRange(at: Place, begin: number, end: number): ArrayBuffer {
  const buffer = new ArrayBuffer(end - begin);
  readInto(at, new Uint8Array(buffer), begin);
  return buffer;
}

/** Largest read in one call; the operating system takes at most 2 GiB. */
const LARGEST_READ = 1 << 30;

function readInto({ path, file }: Place, bytes: Uint8Array, begin: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, Math.min(bytes.length - done, LARGEST_READ), begin + done);
    if (count === 0) throw new SafetensorsError(path, `it ends at byte ${begin + done}, before its data do`);
    done += count;
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new SafetensorsError(path, missing ? 'there is no such file' : 'it cannot be read', { cause });
  }
}

/** Closes once, however often it is called. */
function closing(file: number): () => void {
  let open = true;
  return () => {
    if (open) closeSync(file);
    open = false;
  };
}
