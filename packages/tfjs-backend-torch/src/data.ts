import type { DataType } from '@tensorflow/tfjs-core';

/** The dtypes that live natively, in the order of their mailbox codes. */
export const nativeTypes = ['float32', 'int32', 'bool', 'complex64'] as const;

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

/**
 * A tfjs data id that carries its own storage: a native handle, or the bytes of a string tensor.
 *
 * `epoch` tells handles made before the backend was disposed from those made after.
 */
export class TorchData {
  handle: number;
  refCount = 1;
  readonly dtype: DataType;
  readonly size: number;
  readonly epoch: number;
  strings: Uint8Array[] | undefined = undefined;
  /** Native handles kept for the backward pass of the kernel that made this; freed with it. */
  companions: readonly number[] | undefined = undefined;

  constructor(handle: number, dtype: DataType, size: number, epoch: number) {
    this.handle = handle;
    this.dtype = dtype;
    this.size = size;
    this.epoch = epoch;
  }

  /** Data ids as tfjs counts them: a complex tensor is itself and its two parts. */
  get count(): number {
    return this.dtype === 'complex64' ? 3 : 1;
  }
}
