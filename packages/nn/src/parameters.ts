import * as tf from '@tensorflow/tfjs-core';
import { ParameterMismatchError } from './error.ts';
import { castStorage, type StorageType } from './ops/cast-storage.ts';
import { hasKernel, runFused } from './ops/fused.ts';
import { placeholder } from './ops/placeholder.ts';
import type { HostData, HostTensor, StoredType } from './safetensors/host-tensor.ts';
import { type PendingTensor, writePending } from './safetensors/write.ts';

/** How {@link loadParameters} takes the halves of a file. */
export interface LoadOptions {
  /** `widen` (the default) to float32, or `keep` them as they are where the engine can: nothing passes through float32. */
  readonly halves?: 'widen' | 'keep';
  /** The storage of every parameter, whatever the file's; what was read unless given. */
  readonly storage?: StorageType;
}

/**
 * Sets every parameter from the tensor of its name. Strict: throws {@link ParameterMismatchError} with what is
 * missing, unexpected or of another shape, before anything is changed.
 *
 * @example
 * loadParameters(model.parameters(), (await readSafetensors(path)).tensors);
 */
export function loadParameters(
  parameters: ReadonlyMap<string, tf.Variable>,
  tensors: ReadonlyMap<string, HostTensor>,
  { halves = 'widen', storage }: LoadOptions = {},
): void {
  const keep = halves === 'keep' && hasKernel('FromBits');
  requireSameShapes(new Map([...parameters].map(([name, { shape }]) => [name, shape])), tensors);
  for (const [name, variable] of parameters)
    tf.tidy(() => {
      const host = tensors.get(name)!;
      const loaded = (keep && fromBits(host)) || toTensor(host, variable.dtype);
      variable.assign(storage === undefined ? loaded : castStorage(loaded, storage));
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

/** A tensor of halves as they are in the file; nothing for other tensors. */
function fromBits({ shape, bits }: HostTensor): tf.Tensor | undefined {
  if (bits === undefined) return undefined;
  const upload = (words: Uint16Array, as: readonly number[]) =>
    runFused('FromBits', {}, { bits: words, shape: as, storage: bits.storage })[0]!;
  if (bits.parts === undefined) return upload(bits.words, shape);
  const size = tf.util.sizeFromShape([...shape]);
  let target: tf.Tensor | undefined;
  let position = 0;
  for (const words of bits.parts()) {
    if (words.length === size) return upload(words, shape);
    target ??= castStorage(placeholder([1, size, 1, 1]), bits.storage);
    const rows = upload(words, [1, words.length, 1, 1]);
    runFused('CacheWrite', { cache: target, rows }, { position });
    rows.dispose();
    position += words.length;
  }
  return target === undefined ? upload(bits.words, shape) : tf.reshape(target, [...shape]);
}

function toTensor({ data, shape }: HostTensor, dtype: tf.DataType): tf.Tensor {
  const values = data instanceof BigInt64Array ? Int32Array.from(data, Number) : data;
  return tf.tensor(values.slice(), [...shape], dtype as 'float32');
}
