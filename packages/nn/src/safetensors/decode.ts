import { fromBfloat16, fromFloat16 } from './half.ts';
import type { HeaderEntry } from './header.ts';
import { type HalfBits, type HostData, type HostTensor, STORED_BYTES } from './host-tensor.ts';

/** Where the bytes of a tensor come from. */
export interface ByteSource {
  /** All of them, in a buffer of the tensor's own. */
  whole(): ArrayBuffer;
  /** Some at a time, in order, an even number; each part is gone with the next. */
  parts?(): Iterable<Uint8Array>;
  /** Those from one place to another, in a buffer of their own. */
  range?(from: number, to: number): ArrayBuffer;
}

/** A tensor whose bytes are asked for each time its values are. */
export function decodeTensor({ dtype, shape }: HeaderEntry, source: ByteSource): HostTensor {
  const valuesOf = reader(dtype);
  const { whole, range } = source;
  const bytes = STORED_BYTES[dtype];
  const lazy = {
    shape,
    get data() {
      return valuesOf(whole());
    },
  };
  return Object.assign(
    lazy,
    (dtype === 'F16' || dtype === 'BF16') && { bits: lazyBits(dtype, source) },
    range && { range: (from: number, to: number) => valuesOf(range(bytes * from, bytes * to)) },
  );
}

/** How the bytes of a type become values. */
function reader(dtype: HeaderEntry['dtype']): (buffer: ArrayBuffer) => HostData {
  switch (dtype) {
    case 'F32':
      return (buffer) => new Float32Array(buffer);
    case 'F16':
      return (buffer) => Float32Array.from(new Uint16Array(buffer), fromFloat16);
    case 'BF16':
      return (buffer) => Float32Array.from(new Uint16Array(buffer), fromBfloat16);
    case 'I32':
      return (buffer) => new Int32Array(buffer);
    case 'I64':
      return (buffer) => new BigInt64Array(buffer);
    case 'U8':
    case 'BOOL':
      return (buffer) => new Uint8Array(buffer);
  }
}

function lazyBits(dtype: 'F16' | 'BF16', source: ByteSource): HalfBits {
  const bits = {
    storage: dtype === 'F16' ? ('float16' as const) : ('bfloat16' as const),
    get words() {
      return new Uint16Array(source.whole());
    },
  };
  if (source.parts === undefined) return bits;
  return Object.defineProperty(bits, 'parts', { value: () => wordsOf(source.parts!()) });
}

function* wordsOf(parts: Iterable<Uint8Array>): Iterable<Uint16Array> {
  for (const { buffer, byteOffset, byteLength } of parts)
    yield new Uint16Array(buffer, byteOffset, byteLength / 2);
}
