import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  fromBfloat16,
  fromFloat16,
  Linear,
  loadParameters,
  openSafetensors,
  ParameterMismatchError,
  parseSafetensors,
  readSafetensors,
  SafetensorsError,
  type StoredTensor,
  saveParameters,
  toBfloat16,
  toFloat16,
  writeSafetensors,
} from '../src/index.ts';
import { useCpu } from './engine.ts';

await useCpu();
const folder = mkdtempSync(join(tmpdir(), 'nn-safetensors-'));

/** A file from a header text and data bytes, as hostile as one likes. */
function file(
  header: string,
  data = new Uint8Array(0),
  length = BigInt(Buffer.byteLength(header)),
): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, length, true);
  return new Uint8Array(Buffer.concat([head, Buffer.from(header), data]));
}

describe('half precision', () => {
  // Bits from the IEEE 754 tables: 1 = 0x3c00, 65504 = 0x7bff, smallest 2^-24 = 0x0001, smallest normal 2^-14 = 0x0400.
  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [2 ** -24, 0x0001],
    [2 ** -14, 0x0400],
    [0, 0],
    [-0, 0x8000],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [1 / 3, 0x3555],
    [65520, 0x7c00],
    [2 ** -25, 0x0000],
    [3 * 2 ** -25, 0x0002],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2047.5 * 2 ** -25, 0x0400],
  ])('float16 of %f is 0x%i', (value, bits) => {
    expect(toFloat16(value)).toBe(bits);
  });
  it.each([
    [1, 0x3f80],
    [-1.5, 0xbfc0],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [Number.NEGATIVE_INFINITY, 0xff80],
  ])('bfloat16 of %f is 0x%i', (value, bits) => {
    expect(toBfloat16(value)).toBe(bits);
  });
  it('every half survives the way to a number and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if (!Number.isNaN(fromFloat16(bits))) expect(toFloat16(fromFloat16(bits))).toBe(bits);
      if (!Number.isNaN(fromBfloat16(bits))) expect(toBfloat16(fromBfloat16(bits))).toBe(bits);
    }
    expect(fromFloat16(toFloat16(Number.NaN))).toBeNaN();
    expect(fromBfloat16(toBfloat16(Number.NaN))).toBeNaN();
  });
});

describe('safetensors', () => {
  it('writes what it reads, the same bytes every time, and leaves no other file', async () => {
    const path = join(folder, 'round.safetensors');
    const tensors = new Map<string, StoredTensor>([
      ['b', { shape: [2], data: Int32Array.of(-1, 7) }],
      ['a', { shape: [1, 2], data: Float32Array.of(0.5, -3) }],
      ['c', { shape: [], data: BigInt64Array.of(2n ** 60n) }],
      ['h', { shape: [2], data: Float32Array.of(0.25, 1000), dtype: 'F16' }],
      ['z', { shape: [0, 3], data: new Float32Array(0), dtype: 'BF16' }],
    ]);
    await writeSafetensors(path, tensors, { format: 'pt' });
    const read = await readSafetensors(path);
    expect(read.metadata).toEqual({ format: 'pt' });
    for (const [name, { shape, data }] of tensors) {
      const found = read.tensors.get(name)!;
      expect({ shape: found.shape, data: found.data }).toEqual({ shape, data });
    }
    // 0.25 = 2^-2 and 1000 = 1.953125 * 2^9 in float16: exponents 13 and 24, fraction 976 / 1024.
    expect(read.tensors.get('h')!.bits).toEqual({
      storage: 'float16',
      words: Uint16Array.of(13 << 10, (24 << 10) | 976),
    });
    const bytes = readFileSync(path);
    await writeSafetensors(path, new Map([...tensors].reverse()), { format: 'pt' });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual(['round.safetensors']);
  });

  it('reads some of the values of an opened file, of every type', async () => {
    const path = join(folder, 'ranges.safetensors');
    const tensors = new Map<string, StoredTensor>([
      ['a', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
      ['b', { shape: [3], data: Float32Array.of(5, 6, 7), dtype: 'BF16' }],
      ['c', { shape: [3], data: Float32Array.of(8, 9, 10), dtype: 'F16' }],
      ['d', { shape: [2], data: BigInt64Array.of(11n, 12n) }],
    ]);
    await writeSafetensors(path, tensors);
    const opened = openSafetensors(path);
    for (const [name, { data }] of tensors) {
      const { range } = opened.tensors.get(name)!;
      expect(range!(1, data.length)).toEqual(data.slice(1));
      expect(range!(0, 2)).toEqual(data.slice(0, 2));
      expect(range!(1, 1)).toHaveLength(0);
    }
    opened.close();
    rmSync(path);
    expect(parseSafetensors(encodeSafetensors(tensors)).tensors.get('a')!.range).toBeUndefined();
  });

  it('has the layout of the format: length, header, data from byte 8 + length on', () => {
    const bytes = encodeSafetensors(new Map([['x', { shape: [1], data: Float32Array.of(1) }]]));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
    expect(header).toEqual({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  const entry = (dtype: string, shape: unknown, offsets: unknown) =>
    JSON.stringify({ x: { dtype, shape, data_offsets: offsets } });
  const four = new Uint8Array(4);
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(3), /shorter than 8/],
    ['a huge header', file('{}', four, 2n ** 62n), /over the limit/],
    ['a header beyond the end', file('{}', four, 1000n), /ends inside its header/],
    ['no JSON', file('{"x":'), /not JSON/],
    ['a list', file('[]'), /not a JSON object/],
    ['bytes that are no UTF-8', file('{}', new Uint8Array([0xff]), 3n), /UTF-8/],
    ['a type named like a method', file(entry('toString', [1], [0, 4]), four), /unknown type toString/],
    ['an unknown type', file(entry('Q9', [1], [0, 4]), four), /unknown type Q9/],
    ['a negative size', file(entry('F32', [-1], [0, 4]), four), /shape/],
    ['a fraction of a size', file(entry('F32', [0.5], [0, 2]), four), /shape/],
    ['offsets that are no pair', file(entry('F32', [1], [0]), four), /offsets/],
    ['a size that does not fit', file(entry('F32', [2], [0, 4]), four), /takes 8 bytes/],
    ['data cut short', file(entry('F32', [2], [0, 8]), four), /describes 8 bytes/],
    ['data too long', file(entry('F32', [1], [0, 4]), new Uint8Array(5)), /describes 4 bytes/],
    ['a hole', file(entry('F32', [1], [4, 8]), new Uint8Array(8)), /begins at 4/],
    [
      'an overlap',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}',
        new Uint8Array(6),
      ),
      /begins at 2/,
    ],
    ['an overflow of sizes', file(entry('F32', [2 ** 40, 2 ** 40], [0, 4]), four), /takes/],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}'), /__metadata__/],
  ])('refuses %s', (_, bytes, message) => {
    const path = join(folder, 'hostile.safetensors');
    writeFileSync(path, bytes);
    for (const read of [() => parseSafetensors(bytes), () => openSafetensors(path)]) {
      expect(read).toThrow(SafetensorsError);
      expect(read).toThrow(message);
    }
    rmSync(path);
  });

  it('throws nothing but its own error on random damage', () => {
    const good = encodeSafetensors(
      new Map([
        ['x', { shape: [3], data: Float32Array.of(1, 2, 3) }],
        ['y', { shape: [1], data: Int32Array.of(4) }],
      ]),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bytes = good.slice(0, length);
        if (at < length) bytes[at] = value;
        try {
          parseSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
    );
  });

  it('names missing and unreadable files, and refuses data that do not fit', async () => {
    await expect(readSafetensors(join(folder, 'none'))).rejects.toThrow(/no such file/);
    await expect(readSafetensors(folder)).rejects.toThrow(SafetensorsError);
    const wrong = new Map<string, StoredTensor>([['x', { shape: [3], data: new Float32Array(2) }]]);
    expect(() => encodeSafetensors(wrong)).toThrow(ConfigError);
    expect(() =>
      encodeSafetensors(new Map([['x', { shape: [2], data: new Int32Array(2), dtype: 'F16' as const }]])),
    ).toThrow(ConfigError);
    await expect(writeSafetensors(join(folder, 'no/such/folder'), new Map())).rejects.toThrow(/ENOENT/);
  });
});

describe('parameters', () => {
  it('are saved, loaded and compared strictly', async () => {
    const path = join(folder, 'linear.safetensors');
    const [a, b, c] = [1, 2, 3].map(
      (seed) => new Linear({ inputs: 3, outputs: 2 + Number(seed === 3), key: Key.of(seed) }),
    );
    await saveParameters(path, a!.parameters());
    const { tensors } = await readSafetensors(path);
    const before = tf.memory().numTensors;
    loadParameters(b!.parameters(), tensors);
    expect(tf.memory().numTensors).toBe(before);
    expect([...b!.weight.dataSync()]).toEqual([...a!.weight.dataSync()]);
    const kept = [...c!.weight.dataSync()];
    const strange = new Map([...tensors, ['more', { shape: [1], data: new Float32Array(1) }] as const]);
    strange.delete('bias');
    const attempt = () => loadParameters(c!.parameters(), strange);
    expect(attempt).toThrow(ParameterMismatchError);
    expect(attempt).toThrow(
      /1 missing: bias; 1 unexpected: more; 1 of another shape: weight \(has \[3,3\], found \[2,3\]\)/,
    );
    expect([...c!.weight.dataSync()]).toEqual(kept);
  });

  it('in half precision differ by rounding only', async () => {
    const path = join(folder, 'half.safetensors');
    const a = new Linear({ inputs: 3, outputs: 2, key: Key.of(1) });
    await saveParameters(path, a.parameters(), { dtype: 'F16' });
    writeFileSync(join(folder, 'unrelated'), '');
    const { tensors } = await readSafetensors(path);
    const exact = a.weight.dataSync();
    (tensors.get('weight')!.data as Float32Array).forEach((value, i) => {
      expect(Math.abs(value - exact[i]!)).toBeLessThan(2 ** -11 * Math.abs(exact[i]!) + 1e-9);
    });
  });
});
