import * as tf from '@tensorflow/tfjs-core';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../safetensors/half.ts';
import { hasKernel, runFused } from './fused.ts';

/** How the values of a float32 tensor are stored. */
export type StorageType = 'float32' | 'bfloat16' | 'float16';

/**
 * `x` in another storage behind the same dtype `float32`, rounded to nearest even; differentiable. An engine without such
 * storages rounds the values and keeps them as float32.
 *
 * @example
 * const y = castStorage(tf.scalar(Math.PI), 'bfloat16'); // 3.140625
 */
export function castStorage<T extends tf.Tensor>(x: T, storage: StorageType): T {
  if (hasKernel('CastStorage')) return runFused('CastStorage', { x }, { storage })[0] as T;
  return composedCastStorage(x, storage);
}

/**
 * `x` in the storage that `like` has; differentiable by `x` alone. Engines without storages give `x` itself.
 *
 * @example
 * const short = castStorageLike(tf.scalar(Math.PI), castStorage(tf.scalar(1), 'bfloat16')); // 3.140625
 */
export function castStorageLike<T extends tf.Tensor>(x: T, like: tf.Tensor): T {
  if (!hasKernel('CastStorage')) return x;
  return runFused('CastStorage', { x }, { storage: like })[0] as T;
}

const rounding = {
  bfloat16: (value: number) => fromBfloat16(toBfloat16(value)),
  float16: (value: number) => fromFloat16(toFloat16(value)),
} as const;

/** {@link castStorage} by rounding on the host. */
function composedCastStorage<T extends tf.Tensor>(x: T, storage: StorageType): T {
  if (storage === 'float32') return x.clone();
  const round = tf.customGrad((input) => {
    const { shape } = input as tf.Tensor;
    const values = Float32Array.from((input as tf.Tensor).dataSync(), rounding[storage]);
    return { value: tf.tensor(values, shape), gradFunc: (dy: tf.Tensor) => dy.clone() };
  });
  return round(x) as T;
}

/** Puts parameters into another storage, one after the other. */
export function storeParameters(parameters: ReadonlyMap<string, tf.Variable>, storage: StorageType): void {
  for (const parameter of parameters.values())
    tf.tidy(() => parameter.assign(castStorage<tf.Tensor>(parameter, storage)));
}
