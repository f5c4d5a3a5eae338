import * as tf from '@tensorflow/tfjs-core';
import { ParameterMismatchError } from './error.ts';
import { castStorage, type StorageType } from './ops/cast-storage.ts';
import { hasKernel, runFused } from './ops/fused.ts';
import type { HostData, HostTensor, StoredType } from './safetensors/host-tensor.ts';
import { type PendingTensor, writePending } from './safetensors/write.ts';

/** How {@link loadParameters} takes the halves of a file. */
export interface LoadOptions {
  /** `widen` (the default) to float32, or `keep` them as they are where the engine can. */
  readonly halves?: 'widen' | 'keep';
  /** The storage of every parameter, whatever the file's; what was read unless given. */
  readonly storage?: StorageType;
}

/**
 * Sets every parameter from the tensor of its name; an engine that reads files takes floats straight from there. Strict:
 * throws {@link ParameterMismatchError} with what is missing, unexpected or of another shape, before anything is changed.
 *
 * @example
 * loadParameters(model.parameters(), (await readSafetensors(path)).tensors);
 */
export function loadParameters(
  parameters: ReadonlyMap<string, tf.Variable>,
  tensors: ReadonlyMap<string, HostTensor>,
  { halves = 'widen', storage }: LoadOptions = {},
): void {
  requireSameShapes(new Map([...parameters].map(([name, { shape }]) => [name, shape])), tensors);
  const wanted = storage ?? (halves === 'widen' ? 'float32' : undefined);
  for (const [name, variable] of parameters)
    tf.tidy(() => {
      const host = tensors.get(name)!;
      const loaded = asStored(host, variable.dtype) ?? toTensor(host, variable.dtype);
      const cast = wanted !== undefined && loaded.dtype === 'float32';
      variable.assign(cast ? castStorage(loaded, wanted) : loaded);
    });
}

/** Throws {@link ParameterMismatchError} unless there is a tensor of each expected name and shape, and no other. */
export function requireSameShapes(
  expected: ReadonlyMap<string, readonly number[]>,
  tensors: ReadonlyMap<string, Pick<HostTensor, 'shape'>>,
): void {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name));
  const shapes = [...expected].flatMap(([name, shape]) => {
    const found = tensors.get(name)?.shape ?? shape;
    return shape.join() === found.join() ? [] : [{ name, expected: shape, found }];
  });
  if (missing.length + unexpected.length + shapes.length > 0)
    throw new ParameterMismatchError({ missing, unexpected, shapes });
}

/** How {@link saveParameters} stores values: F32 unless given. */
export interface SaveOptions {
  readonly dtype?: Extract<StoredType, 'F32' | 'F16' | 'BF16'>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Writes parameters to a safetensors file that is whole or not there, with one of them on the host at a time. */
export async function saveParameters(
  path: string,
  parameters: ReadonlyMap<string, tf.Tensor>,
  { dtype = 'F32', metadata = {} }: SaveOptions = {},
): Promise<void> {
  const tensors = new Map<string, PendingTensor>();
  for (const [name, tensor] of parameters)
    tensors.set(name, { shape: tensor.shape, dtype, read: () => tensor.data() as Promise<HostData> });
  await writePending(path, tensors, metadata);
}

/** Values of parameters on the host, by name. */
export async function downloadParameters(
  parameters: ReadonlyMap<string, tf.Tensor>,
): Promise<ReadonlyMap<string, HostTensor>> {
  const tensors = new Map<string, HostTensor>();
  for (const [name, tensor] of parameters)
    tensors.set(name, { shape: tensor.shape, data: (await tensor.data()) as Float32Array });
  return tensors;
}

/** A tensor of floats as its file stores them; nothing where it has none, or the engine takes them in another way. */
function asStored(host: HostTensor, dtype: tf.DataType): tf.Tensor | undefined {
  if (dtype !== 'float32') return undefined;
  if (host.partOf !== undefined) {
    const whole = asStored(host.partOf.whole, dtype);
    return whole && host.partOf.take(whole);
  }
  const shape = [...host.shape];
  const place = hasKernel('FromFile') ? host.place : undefined;
  if (place !== undefined) return runFused('FromFile', {}, { ...place, shape })[0]!;
  const bits = hasKernel('FromBits') ? host.bits : undefined;
  if (bits === undefined) return undefined;
  return runFused('FromBits', {}, { bits: bits.words, shape, storage: bits.storage })[0]!;
}

function toTensor({ data, shape }: HostTensor, dtype: tf.DataType): tf.Tensor {
  const values = data instanceof BigInt64Array ? Int32Array.from(data, Number) : data;
  return tf.tensor(values.slice(), [...shape], dtype as 'float32');
}
