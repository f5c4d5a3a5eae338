import { fromBfloat16, fromFloat16 } from './half.ts';
import type { HeaderEntry } from './header.ts';
import type { HalfBits, HostTensor } from './host-tensor.ts';

/**
 * A tensor whose bytes come from `read` each time they are asked for: a buffer of the tensor's own, as long as its entry
 * says.
 */
export function decodeTensor({ dtype, shape }: HeaderEntry, read: () => ArrayBuffer): HostTensor {
  switch (dtype) {
    case 'F32':
      return values(shape, () => new Float32Array(read()));
    case 'F16':
      return halves(shape, () => ({ storage: 'float16', words: new Uint16Array(read()) }));
    case 'BF16':
      return halves(shape, () => ({ storage: 'bfloat16', words: new Uint16Array(read()) }));
    case 'I32':
      return values(shape, () => new Int32Array(read()));
    case 'I64':
      return values(shape, () => new BigInt64Array(read()));
    case 'U8':
    case 'BOOL':
      return values(shape, () => new Uint8Array(read()));
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

function halves(shape: readonly number[], read: () => HalfBits): HostTensor {
  return {
    shape,
    get bits() {
      return read();
    },
    get data() {
      const { words, storage } = read();
      return Float32Array.from(words, storage === 'float16' ? fromFloat16 : fromBfloat16);
    },
  };
}
