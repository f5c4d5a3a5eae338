import * as tf from '@tensorflow/tfjs-core';
import type { StorageType } from '@thinkrl/nn';

/** Where a parameter lies in a vector. */
export interface Place {
  readonly variable: tf.Variable;
  readonly offset: number;
}

/** How parameters lie end to end in a vector. */
export interface Layout {
  /** By name, in order. */
  readonly places: ReadonlyMap<string, Place>;
  /** Values in the vector, with what fills it up. */
  readonly length: number;
}

interface LayoutOptions {
  /** The vector's length is a multiple of it. */
  readonly parts: number;
  /** What the values are stored in. */
  readonly storage: StorageType;
}

/** Where each parameter begins in a line of cache, as one by itself does: kernels may compute otherwise elsewhere. */
const ALIGNMENT_BYTES = 64;

/** Lays parameters end to end, each at the beginning of a line of cache, in a vector that can be cut into equal parts. */
export function layoutOf(
  parameters: ReadonlyMap<string, tf.Variable>,
  { parts, storage }: LayoutOptions,
): Layout {
  const step = ALIGNMENT_BYTES / (storage === 'float32' ? 4 : 2);
  const places = new Map<string, Place>();
  let length = 0;
  for (const [name, variable] of parameters) {
    const offset = Math.ceil(length / step) * step;
    places.set(name, { variable, offset });
    length = offset + variable.size;
  }
  return { places, length: Math.ceil(length / parts) * parts };
}

/** A vector with values of each parameter in its place, zeros for null and between. */
export function vectorOf(
  { places, length }: Layout,
  valuesOf: (variable: tf.Variable) => tf.Tensor | null,
): tf.Tensor1D {
  const list = [...places.values()];
  const parts = list.flatMap(({ variable, offset }, index) => {
    const values = valuesOf(variable);
    const own = values === null ? tf.zeros([variable.size]) : tf.reshape(values, [variable.size]);
    const end = list[index + 1]?.offset ?? length;
    const gap = end - offset - variable.size;
    return gap > 0 ? [own, tf.zeros([gap])] : [own];
  }) as tf.Tensor1D[];
  return parts.length === 1 ? parts[0]!.clone() : tf.concat(parts);
}
