import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Shapes of tensors by name; they are stored as bfloat16. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Writes a file with this header and so many bytes after it. */
export type WriteShard = (path: string, header: Uint8Array, bytes: number) => void;

/** Bytes of a tensor in bfloat16. */
export function bytesOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 2);
}

/** Writes tensors into shards of at most `limit` bytes with an index; returns the shards' names. */
export function writeShards(
  folder: string,
  shapes: Shapes,
  { limit, write }: { readonly limit: number; readonly write: WriteShard },
): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const shards: { names: string[]; bytes: number }[] = [];
  for (const [name, shape] of shapes) {
    const last = shards.at(-1);
    const bytes = bytesOf(shape);
    if (last === undefined || last.bytes + bytes > limit) shards.push({ names: [name], bytes });
    else {
      last.names.push(name);
      last.bytes += bytes;
    }
  }
  const weightMap: Record<string, string> = {};
  const files = shards.map(({ names, bytes }, index) => {
    const file = `model-${index}.safetensors`;
    for (const name of names) weightMap[name] = file;
    write(join(folder, file), headerOf(names, shapes), bytes);
    return file;
  });
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  return files;
}

function headerOf(names: readonly string[], shapes: Shapes): Uint8Array {
  let at = 0;
  const entries = names.map((name) => {
    const shape = shapes.get(name)!;
    const begin = at;
    at += bytesOf(shape);
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, at] }] as const;
  });
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
}

/** A header and a hole: a file that reads as zeros and takes no room. */
export const sparseShard: WriteShard = (path, header, bytes) => {
  const file = openSync(path, 'w');
  writeHeader(file, header);
  ftruncateSync(file, 8 + header.length + bytes);
  closeSync(file);
};

/** A header and bytes that the disk has to hold. */
export const realShard: WriteShard = (path, header, bytes) => {
  const file = openSync(path, 'w');
  writeHeader(file, header);
  const block = new Uint8Array(64 << 20).map((_, i) => (i * 2654435761) >>> 24);
  for (let left = bytes; left > 0; left -= block.length)
    writeSync(file, block, 0, Math.min(left, block.length));
  closeSync(file);
};

function writeHeader(file: number, header: Uint8Array): void {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  writeSync(file, length);
  writeSync(file, header);
}
