import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { parseSafetensors } from '@thinkrl/nn';

const root = process.env.THINKRL_FIXTURES ?? fileURLToPath(new URL('./fixtures', import.meta.url));

/** The JSON file `name` of a reference case. */
export function readConfig<T>(reference: string, name = 'config.json'): T {
  return JSON.parse(readFileSync(join(root, 'reference', reference, name), 'utf8')) as T;
}

/** Reads tensors of a safetensors file of a reference case by name, as float32. */
export function openTensors(reference: string, name = 'data.safetensors') {
  const path = join(root, 'reference', reference, name);
  const { tensors } = parseSafetensors(new Uint8Array(readFileSync(path)), path);
  const values = (key: string): Float32Array => {
    const found = tensors.get(key);
    if (found === undefined) throw new Error(`${path} has no tensor ${key}`);
    return Float32Array.from(Array.from(found.data as Float32Array, Number));
  };
  return {
    values,
    tensor: (key: string): tf.Tensor => tf.tensor(values(key), [...tensors.get(key)!.shape]),
    names: [...tensors.keys()],
  };
}

/** Largest |a - b|. */
export function deviation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs(a[i]! - b[i]!);
    if (!(gap <= worst)) worst = gap;
  }
  return worst;
}
