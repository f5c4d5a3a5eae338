import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '@thinkrl/spec';
import { toBfloat16, toFloat16 } from './half.ts';
import { type HostData, STORED_BYTES, type StoredTensor, type StoredType } from './host-tensor.ts';

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
  const bytes = encodeSafetensors(tensors, metadata);
  const aside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(bytes);
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
  const names = [...tensors.keys()].sort();
  const parts: Uint8Array[] = [];
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let position = 0;
  for (const name of names) {
    const tensor = tensors.get(name)!;
    const dtype = tensor.dtype ?? naturalType(tensor.data);
    const part = encode(name, tensor, dtype);
    header[name] = { dtype, shape: tensor.shape, data_offsets: [position, position + part.length] };
    parts.push(part);
    position += part.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + position).fill(0x20, 8, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  let offset = 8 + padded;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
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

function encode(name: string, { shape, data }: StoredTensor, dtype: StoredType): Uint8Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (data.length !== size)
    throw new ConfigError({ field: name, value: shape, fix: `use a shape of ${data.length} elements` });
  if (data instanceof Float32Array && (dtype === 'F16' || dtype === 'BF16'))
    return bytesOf(Uint16Array.from(data, dtype === 'F16' ? toFloat16 : toBfloat16));
  const fits =
    dtype === naturalType(data) || (dtype === 'BOOL' && STORED_BYTES.BOOL === data.BYTES_PER_ELEMENT);
  if (!fits)
    throw new ConfigError({ field: name, value: dtype, fix: `use ${naturalType(data)} for this data` });
  return bytesOf(data);
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
