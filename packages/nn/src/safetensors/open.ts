import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SafetensorsError } from '../error.ts';
import { decodeTensor } from './decode.ts';
import { type Header, headerLength, parseHeader } from './header.ts';
import type { HostTensor } from './host-tensor.ts';
import type { SafetensorsFile } from './read.ts';

/** A safetensors file of which only the header was read; {@link OpenSafetensors.close} when done. */
export interface OpenSafetensors extends SafetensorsFile {
  /** Tensors whose `data` and `bits` are read from their `place` in the file each time they are asked for. */
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
    const at = { path, file, open: true };
    const dataStart = 8 + headerLength(path, new Uint8Array(readRange(at, 0, 8)));
    if (dataStart > size) throw new SafetensorsError(path, 'the file ends inside its header');
    const text = new Uint8Array(readRange(at, 8, dataStart));
    const header = parseHeader(path, text, size - dataStart);
    return { metadata: header.metadata, tensors: lazyTensors(at, header, dataStart), close: () => close(at) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

interface OpenFile {
  readonly path: string;
  readonly file: number;
  open: boolean;
}

function lazyTensors(at: OpenFile, { entries }: Header, dataStart: number): ReadonlyMap<string, HostTensor> {
  return new Map(
    entries.map((entry) => {
      const [begin, end] = [dataStart + entry.begin, dataStart + entry.end];
      const source = {
        whole: () => readRange(at, begin, end),
        range: (from: number, to: number) => readRange(at, begin + from, begin + Math.min(to, end - begin)),
        place: () => placeIn(at, begin, end),
      };
      return [entry.name, decodeTensor(entry, source)];
    }),
  );
}

/** A place in a file that is still open and as long as it was. */
function placeIn(at: OpenFile, begin: number, end: number) {
  checkOpen(at);
  const { size } = fstatSync(at.file);
  if (size < end) throw endsEarly(at, size);
  return { file: at.file, begin };
}

function readRange(at: OpenFile, begin: number, end: number): ArrayBuffer {
  checkOpen(at);
  const buffer = new ArrayBuffer(end - begin);
  readInto(at, new Uint8Array(buffer), begin);
  return buffer;
}

/** Largest read in one call; the operating system takes at most 2 GiB. */
const LARGEST_READ = 1 << 30;

function readInto(at: OpenFile, bytes: Uint8Array, begin: number): void {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, LARGEST_READ);
    const count = readSync(at.file, bytes, done, length, begin + done);
    if (count === 0) throw endsEarly(at, begin + done);
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

/** The descriptor of a closed file may be that of another one by now. */
function checkOpen({ path, open }: OpenFile): void {
  if (!open) throw new SafetensorsError(path, 'it has been closed');
}

function endsEarly({ path }: OpenFile, byte: number): SafetensorsError {
  return new SafetensorsError(path, `it ends at byte ${byte}, before its data do`);
}

/** Closes once, however often it is called. */
function close(at: OpenFile): void {
  if (at.open) closeSync(at.file);
  at.open = false;
}
