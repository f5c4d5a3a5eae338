import { fromBfloat16, fromFloat16 } from './half.ts';
import type { HeaderEntry } from './header.ts';
import type { FilePlace, HalfBits, HostTensor, StoredType } from './host-tensor.ts';

/** Where the bytes of a tensor come from. */
export interface ByteSource {
  /** All of them, in a buffer of the tensor's own. */
  whole(): ArrayBuffer;
  /** Where they lie in a file. */
  place?(): Pick<FilePlace, 'file' | 'begin'>;
}

/** How floats are stored by what a file calls it. */
const STORAGES: { readonly [dtype in StoredType]?: FilePlace['storage'] } = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/** A tensor whose bytes are asked for each time its values are. */
export function decodeTensor(entry: HeaderEntry, source: ByteSource): HostTensor {
  const tensor = onHost(entry, source);
  const storage = STORAGES[entry.dtype];
  if (source.place === undefined || storage === undefined) return tensor;
  return Object.defineProperty(tensor, 'place', { get: () => ({ ...source.place!(), storage }) });
}

function onHost({ dtype, shape }: HeaderEntry, source: ByteSource): HostTensor {
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
  return {
    storage,
    get words() {
      return new Uint16Array(source.whole());
    },
  };
}
