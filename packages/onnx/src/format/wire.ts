import { ModelFormatError } from '../error.ts';

/** A field of a protobuf message: its number and what stands in it. */
export type Field = readonly [number: number, value: bigint | number | string | Uint8Array];

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * A protobuf message: whole numbers as varints, others by {@link floatField}, texts as UTF-8, bytes and messages as they
 * are.
 */
export function encodeMessage(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(([number, value]) => {
    if (typeof value === 'number' || typeof value === 'bigint')
      return [varint(BigInt(number * 8 + VARINT)), varint(BigInt(value))];
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    return [varint(BigInt(number * 8 + BYTES)), varint(BigInt(bytes.length)), bytes];
  });
  return joined(parts);
}

/** A message of one 32-bit float. */
export function floatField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([varint(BigInt(number * 8 + FIXED32)), bytes]);
}

/** Bytes one after the other; of two messages of one kind, their merger: lists are joined, parts are merged. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  while (left >= 128n) {
    bytes.push(Number(left & 127n) | 128);
    left >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(left)]);
}

/** The fields of a protobuf message, in order; messages and texts inside it stay bytes. */
export function decodeMessage(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const take = (count: number) => {
    if (at + count > bytes.length) throw new ModelFormatError('the file ends in the middle of a field');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const number = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const [byte] = take(1);
      value |= BigInt(byte! & 127) << shift;
      if (byte! < 128) return BigInt.asIntN(64, value);
      if (shift > 56n) throw new ModelFormatError('a number is longer than 64 bits');
    }
  };
  while (at < bytes.length) {
    const tag = Number(number());
    const kind = tag & 7;
    if (kind === VARINT) fields.push([tag >> 3, number()]);
    else if (kind === BYTES) fields.push([tag >> 3, take(Number(number()))]);
    else if (kind === FIXED32) fields.push([tag >> 3, take(4)]);
    else if (kind === FIXED64) fields.push([tag >> 3, take(8)]);
    else throw new ModelFormatError(`field ${tag >> 3} is of kind ${kind}, which ONNX does not use`);
  }
  return fields;
}
