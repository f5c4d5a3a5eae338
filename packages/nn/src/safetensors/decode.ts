import { fromBfloat16, fromFloat16 } from './half.ts';
import type { HeaderEntry } from './header.ts';
import type { HalfBits, HostTensor } from './host-tensor.ts';

/** Where the bytes of a tensor come from. */
export interface ByteSource {
  /** All of them, in a buffer of the tensor's own. */
  whole(): ArrayBuffer;
  /** Some at a time, in order, an even number; each part is gone with the next. */
  parts?(): Iterable<Uint8Array>;
}

/** A tensor whose bytes are asked for each time its values are. */
export function decodeTensor({ dtype, shape }: HeaderEntry, source: ByteSource): HostTensor {
  switch (dtype) {
    case 'F32':
      return values(shape, () => new Float32Array(source.whole()));
    case 'F16':
      return halves(shape, lazyBits('float16', source));
    case 'BF16':
      return halves(shape, lazyBits('bfloat16', source));
    case 'I32':
      return values(shape, () => new Int32Array(source.whole()));
    case 'I64':
      return values(shape, () => new BigInt64Array(source.whole()));
    case 'U8':
    case 'BOOL':
      return values(shape, () => new Uint8Array(source.whole()));
  }
}

function values(shape: readonly number[], read: () => HostTensor['data']): HostTensor {
  return {
    shape,
    get data() {
      return read();
    },
  };
}

function halves(shape: readonly number[], bits: HalfBits): HostTensor {
  return {
    shape,
    bits,
    get data() {
      return Float32Array.from(bits.words, bits.storage === 'float16' ? fromFloat16 : fromBfloat16);
    },
  };
}

function lazyBits(storage: HalfBits['storage'], source: ByteSource): HalfBits {
  const bits = {
    storage,
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
