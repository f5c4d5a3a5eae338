import { SafetensorsError } from '../error.ts';
import { STORED_BYTES, type StoredType } from './host-tensor.ts';

/** Where one tensor lies in the data part of a file. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Largest header accepted, bytes: the limit of the format's reference implementation. */
const HEADER_LIMIT = 100_000_000;

/** Length of the header, from the 8 bytes at the start of a file. Throws {@link SafetensorsError} over the limit. */
export function headerLength(path: string, start: Uint8Array): number {
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT))
    throw new SafetensorsError(path, `a header of ${length} bytes is over the limit of ${HEADER_LIMIT}`);
  return Number(length);
}

/**
 * Reads and checks a header against a data part of `dataBytes` bytes: known types, honest sizes, tensors side by side
 * without gap or overlap. Throws {@link SafetensorsError}.
 */
export function parseHeader(path: string, text: Uint8Array, dataBytes: number): Header {
  const json = parseJson(path, decodeText(path, text));
  const entries: HeaderEntry[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(path, value);
    else entries.push(parseEntry(path, name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== position)
      throw new SafetensorsError(path, `tensor ${name} begins at ${begin}, expected ${position}`);
    position = end;
  }
  if (position !== dataBytes)
    throw new SafetensorsError(
      path,
      `the header describes ${position} bytes of data, the file has ${dataBytes}`,
    );
  return { entries, metadata };
}

function decodeText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SafetensorsError(path, 'the header is not UTF-8', { cause });
  }
}

function parseJson(path: string, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SafetensorsError(path, 'the header is not JSON', { cause });
  }
  if (!isRecord(json)) throw new SafetensorsError(path, 'the header is not a JSON object');
  return json;
}

function parseMetadata(path: string, value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value) || Object.values(value).some((text) => typeof text !== 'string'))
    throw new SafetensorsError(path, '__metadata__ must map names to texts');
  return value as Readonly<Record<string, string>>;
}

function parseEntry(path: string, name: string, value: unknown): HeaderEntry {
  const fail = (problem: string) => new SafetensorsError(path, `tensor ${name} ${problem}`);
  if (!isRecord(value)) throw fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(STORED_BYTES, dtype))
    throw fail(`has the unknown type ${String(dtype)}`);
  if (!isSizes(shape)) throw fail('has a shape that is not a list of sizes');
  if (!isSizes(offsets) || offsets.length !== 2) throw fail('has no pair of data offsets');
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, STORED_BYTES[dtype as StoredType]);
  if (end - begin !== bytes)
    throw fail(`takes ${bytes} bytes by its shape but ${end - begin} by its offsets`);
  return { name, dtype: dtype as StoredType, shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
