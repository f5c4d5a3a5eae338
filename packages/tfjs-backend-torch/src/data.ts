import type { DataType } from '@tensorflow/tfjs-core';

/** The dtypes of native tensors, in the order of their mailbox codes; the last two are float32 stored in halves. */
export const nativeTypes = ['float32', 'int32', 'bool', 'complex64', 'float32', 'float32'] as const;

/** How a float32 tensor may be stored. */
export type StorageType = 'float32' | 'bfloat16' | 'float16';

/** Mailbox codes of the storages. */
export const storageCodes: Readonly<Record<StorageType, number>> = { float32: 0, bfloat16: 4, float16: 5 };

/** The mailbox code of a dtype; -1 for strings, which stay in JavaScript. */
export function typeCode(dtype: DataType): number {
  return dtype === 'float32'
    ? 0
    : dtype === 'int32'
      ? 1
      : dtype === 'bool'
        ? 2
        : dtype === 'complex64'
          ? 3
          : -1;
}

/** How many data ids tfjs counts for a tensor: a complex one is itself and its two parts. */
export function idsOf(code: number): number {
  return code === 3 ? 3 : 1;
}

/** Whether a mailbox code stands for values stored in halves. */
export function isHalfCode(code: number): boolean {
  return code >= storageCodes.bfloat16;
}

/**
 * A tfjs data id that carries its own storage: a native handle, or the bytes of a string tensor.
 *
 * `epoch` tells handles made before the backend was disposed from those made after.
 */
export class TorchData {
  handle: number;
  refCount = 1;
  /** Mailbox code of dtype and storage; -1 for strings. */
  readonly code: number;
  readonly size: number;
  readonly epoch: number;
  /** The handle while its memory is released; -1 otherwise. */
  withheld = -1;
  strings: Uint8Array[] | undefined = undefined;
  /** Native handles kept for the backward pass of the kernel that made this; freed with it. */
  companions: readonly number[] | undefined = undefined;

  constructor(handle: number, code: number, size: number, epoch: number) {
    this.handle = handle;
    this.code = code;
    this.size = size;
    this.epoch = epoch;
  }

  /** What tfjs calls the type. */
  get dtype(): DataType {
    return this.code < 0 ? 'string' : nativeTypes[this.code]!;
  }

  /** How the values are stored: narrower than `dtype` says for a float32 in halves. */
  get storage(): DataType | StorageType {
    return this.code === storageCodes.bfloat16
      ? 'bfloat16'
      : this.code === storageCodes.float16
        ? 'float16'
        : this.dtype;
  }

  /** Data ids as tfjs counts them. */
  get count(): number {
    return idsOf(this.code);
  }
}
