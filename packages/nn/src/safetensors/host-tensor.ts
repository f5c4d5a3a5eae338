import type * as tf from '@tensorflow/tfjs-core';

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
}

/** Where the values of a tensor lie in an open file, row-major: for an engine that reads files itself. */
export interface FilePlace {
  /** Descriptor of the file. */
  readonly file: number;
  /** First byte. */
  readonly begin: number;
  readonly storage: 'float32' | 'float16' | 'bfloat16';
}

/** A tensor on the host, row-major. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: HostData;
  /** What a file of halves holds; `data` is then widened anew each time it is asked for. */
  readonly bits?: HalfBits;
  /** The values from one place up to another, where the rest need not be read. */
  readonly range?: (from: number, to: number) => HostData;
  /** Where a file has its floats; checked each time it is asked for, and good until the file is closed. */
  readonly place?: FilePlace;
  /** Another tensor that this one is a part of, for the device to take it from: the whole is then never on the host. */
  readonly partOf?: PartOf;
}

/** How a tensor is a part of another one. */
export interface PartOf {
  readonly whole: HostTensor;
  /** The part of the whole's values, a tensor of its own. */
  readonly take: (whole: tf.Tensor) => tf.Tensor;
}

/** A tensor to be written; `dtype` is F32, I32, I64 or U8 by its data unless given. */
export interface StoredTensor extends HostTensor {
  readonly dtype?: StoredType;
}
