import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '@thinkrl/spec';
import { toBfloat16, toFloat16 } from './half.ts';
import { type HostData, STORED_BYTES, type StoredTensor, type StoredType } from './host-tensor.ts';

/** A tensor whose values are asked for when it is its turn to be written. */
export interface PendingTensor {
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  read(): HostData | Promise<HostData>;
}

/**
 * Writes a safetensors file that is whole or not there: aside, synced, then renamed. The same tensors give the same
 * bytes. Throws {@link ConfigError} when a tensor's data do not fit its shape or type.
 *
 * @example
 * await writeSafetensors('w.safetensors', new Map([['w', { shape: [2], data: new Float32Array(2), dtype: 'F16' }]]));
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writePending(path, new Map([...tensors].map(([name, tensor]) => [name, pending(tensor)])), metadata);
}

/** {@link writeSafetensors} with one tensor in memory at a time. */
export async function writePending(
  path: string,
  tensors: ReadonlyMap<string, PendingTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(headerOf(tensors, metadata));
      for (const [name, tensor] of byName(tensors)) await writeTensor(file, name, tensor);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The bytes of a safetensors file. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const plan = new Map([...tensors].map(([name, tensor]) => [name, pending(tensor)]));
  const parts = byName(plan).map(([name, tensor]) => encode(name, tensor, tensors.get(name)!.data));
  return joined([headerOf(plan, metadata), ...parts]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function pending({ shape, data, dtype = naturalType(data) }: StoredTensor): PendingTensor {
  return { shape, dtype, read: () => data };
}

function byName(tensors: ReadonlyMap<string, PendingTensor>): readonly (readonly [string, PendingTensor])[] {
  return [...tensors.keys()].sort().map((name) => [name, tensors.get(name)!] as const);
}

/** Length and text of the header, padded to a multiple of 8 bytes. */
function headerOf(
  tensors: ReadonlyMap<string, PendingTensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let position = 0;
  for (const [name, { dtype, shape }] of byName(tensors)) {
    const end = position + sizeOf(shape) * STORED_BYTES[dtype];
    header[name] = { dtype, shape, data_offsets: [position, end] };
    position = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}

async function writeTensor(file: FileHandle, name: string, tensor: PendingTensor): Promise<void> {
  await file.writeFile(encode(name, tensor, await tensor.read()));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function naturalType(data: HostData): StoredType {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Int32Array) return 'I32';
  return data instanceof BigInt64Array ? 'I64' : 'U8';
}

function encode(name: string, { shape, dtype }: PendingTensor, data: HostData): Uint8Array {
  if (data.length !== sizeOf(shape))
    throw new ConfigError({ field: name, value: shape, fix: `use a shape of ${data.length} elements` });
  if (data instanceof Float32Array && (dtype === 'F16' || dtype === 'BF16'))
    return bytesOf(Uint16Array.from(data, dtype === 'F16' ? toFloat16 : toBfloat16));
  const fits =
    dtype === naturalType(data) || (dtype === 'BOOL' && STORED_BYTES.BOOL === data.BYTES_PER_ELEMENT);
  if (!fits)
    throw new ConfigError({ field: name, value: dtype, fix: `use ${naturalType(data)} for this data` });
  return bytesOf(data);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
