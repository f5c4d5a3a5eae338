import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { type StorageType, storageCodes } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation, ownData, storeAs } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const cast = operation('cast_storage');

function codeOf(storage: StorageType): number {
  const code = storageCodes[storage];
  if (code !== undefined) return code;
  throw new ConfigError({ field: 'storage', value: storage, fix: 'use float32, bfloat16 or float16' });
}

/** A storage by name, or that of another tensor. */
interface CastAttributes {
  readonly storage: StorageType | TensorInfo;
}

/** x (float32) in another storage: rounded to nearest even; the same data where it has that storage already. */
export const castStorageKernel = kernel<{ x: TensorInfo }, CastAttributes>(
  'CastStorage',
  ({ x }, { storage }) => {
    const name = typeof storage === 'string' ? storage : (storageOf(storage) as StorageType);
    return one(cast, handleOf(x), codeOf(name));
  },
);

/** Gradient of {@link castStorageKernel} for the tape: the slope, which the tape gives the storage of x. */
export const castStorageGradient = gradient({
  kernelName: 'CastStorage',
  gradFunc: (slope) => ({ x: () => (slope as Tensor).clone() }),
});

interface BitsAttributes {
  /** One element each, in row-major order. */
  readonly bits: Uint16Array;
  readonly shape: readonly number[];
  readonly storage: 'bfloat16' | 'float16';
}

/** A tensor from the bits of halves, as weight files hold them: nothing is widened on the way. */
export const fromBits = kernel<object, BitsAttributes>('FromBits', (_, { bits, shape, storage }) => ({
  dataId: storeAs(bits, shape, codeOf(storage)),
  shape: [...shape],
  dtype: 'float32',
}));

/** How the values of a tensor are stored: its dtype, or the half behind the label float32. */
export function storageOf(tensor: TensorInfo): TensorInfo['dtype'] | StorageType {
  return ownData(tensor.dataId)?.storage ?? tensor.dtype;
}

/**
 * x in another storage behind the same dtype `float32`; differentiable.
 *
 * @throws ConfigError for an unknown storage, TorchKernelError for a tensor that is not float32.
 * @example
 * const weight = castStorage(tf.ones([4, 3]), 'bfloat16');
 * storageOf(weight); // 'bfloat16'; weight.dtype stays 'float32'
 */
export function castStorage<T extends Tensor>(x: T, storage: StorageType): T {
  return runKernel('CastStorage', { x }, { storage })[0] as T;
}
