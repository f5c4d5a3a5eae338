/** Element types of safetensors files that are read here. */
export type StoredType = 'F32' | 'F16' | 'BF16' | 'I32' | 'I64' | 'U8' | 'BOOL';

/** Bytes of one element. */
export const STORED_BYTES: Readonly<Record<StoredType, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  I32: 4,
  I64: 8,
  U8: 1,
  BOOL: 1,
};

/** Values of a tensor on the host: F16 and BF16 are widened to float32, I64 stays exact. */
export type HostData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** The bits of an F16 or BF16 tensor, row-major. */
export interface HalfBits {
  readonly storage: 'float16' | 'bfloat16';
  readonly words: Uint16Array;
  /** The words in order, some at a time, where they need not all be on the host; each part is gone with the next. */
  readonly parts?: () => Iterable<Uint16Array>;
}

/** A tensor on the host, row-major. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: HostData;
  /** What a file of halves holds; `data` is then widened anew each time it is asked for. */
  readonly bits?: HalfBits;
  /** The values from one place up to another, where the rest need not be read. */
  readonly range?: (from: number, to: number) => HostData;
}

/** A tensor to be written; `dtype` is F32, I32, I64 or U8 by its data unless given. */
export interface StoredTensor extends HostTensor {
  readonly dtype?: StoredType;
}
