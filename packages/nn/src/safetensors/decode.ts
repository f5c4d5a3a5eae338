import { fromBfloat16, fromFloat16 } from './half.ts';
import type { HeaderEntry } from './header.ts';
import {
  type FilePlace,
  type HalfBits,
  type HostData,
  type HostTensor,
  STORED_BYTES,
  type StoredType,
} from './host-tensor.ts';

/** Where the bytes of a tensor come from. */
export interface ByteSource {
  /** All of them, in a buffer of the tensor's own. */
  whole(): ArrayBuffer;
  /** Those from one place to another, in a buffer of their own. */
  range?(from: number, to: number): ArrayBuffer;
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
export function decodeTensor({ dtype, shape }: HeaderEntry, source: ByteSource): HostTensor {
  const valuesOf = reader(dtype);
  const { whole, range, place } = source;
  const bytes = STORED_BYTES[dtype];
  const lazy = {
    shape,
    get data() {
      return valuesOf(whole());
    },
  };
  const tensor: HostTensor = Object.assign(
    lazy,
    (dtype === 'F16' || dtype === 'BF16') && { bits: lazyBits(dtype, source) },
    range && { range: (from: number, to: number) => valuesOf(range(bytes * from, bytes * to)) },
  );
  const storage = STORAGES[dtype];
  if (place === undefined || storage === undefined) return tensor;
  return Object.defineProperty(tensor, 'place', { get: () => ({ ...place(), storage }) });
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
  return {
    storage: dtype === 'F16' ? 'float16' : 'bfloat16',
    get words() {
      return new Uint16Array(source.whole());
    },
  };
}
