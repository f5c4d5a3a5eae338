import { readFile } from 'node:fs/promises';
import { SafetensorsError } from '../error.ts';
import { fromBfloat16, fromFloat16 } from './half.ts';
import { HEADER_LIMIT, type HeaderEntry, parseHeader } from './header.ts';
import type { HalfBits, HostTensor } from './host-tensor.ts';

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
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT))
    throw new SafetensorsError(path, `a header of ${length} bytes is over the limit of ${HEADER_LIMIT}`);
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) throw new SafetensorsError(path, 'the file ends inside its header');
  const text = decodeText(path, bytes.subarray(8, dataStart));
  const { entries, metadata } = parseHeader(path, text, bytes.length - dataStart);
  const tensors = new Map<string, HostTensor>();
  for (const entry of entries) {
    const buffer = copyOf(bytes.subarray(dataStart + entry.begin, dataStart + entry.end));
    tensors.set(entry.name, decode(entry, buffer));
  }
  return { tensors, metadata };
}

/** A buffer of its own; `slice` would not copy where `bytes` is a Buffer. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function decodeText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SafetensorsError(path, 'the header is not UTF-8', { cause });
  }
}

function decode({ dtype, shape }: HeaderEntry, buffer: ArrayBuffer): HostTensor {
  switch (dtype) {
    case 'F32':
      return { shape, data: new Float32Array(buffer) };
    case 'F16':
      return halves(shape, { storage: 'float16', words: new Uint16Array(buffer) });
    case 'BF16':
      return halves(shape, { storage: 'bfloat16', words: new Uint16Array(buffer) });
    case 'I32':
      return { shape, data: new Int32Array(buffer) };
    case 'I64':
      return { shape, data: new BigInt64Array(buffer) };
    case 'U8':
    case 'BOOL':
      return { shape, data: new Uint8Array(buffer) };
  }
}

function halves(shape: readonly number[], bits: HalfBits): HostTensor {
  const widen = bits.storage === 'float16' ? fromFloat16 : fromBfloat16;
  return {
    shape,
    bits,
    get data() {
      return Float32Array.from(bits.words, widen);
    },
  };
}
