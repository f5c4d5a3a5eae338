import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { parseSafetensors } from '@thinkrl/nn';

/** The set of fixtures that lies here, whose sizes tests that need some model may count on. */
export const OWN = fileURLToPath(new URL('./fixtures', import.meta.url));

/** The set to compare with: one made the same way, of whatever sizes, or ours. */
const GIVEN = process.env.THINKRL_FIXTURES ?? OWN;

/** Path of a file of a reference case. */
export function referencePath(reference: string, name: string, root = GIVEN): string {
  return join(root, 'reference', reference, name);
}

/** The JSON file `name` of a reference case. */
export function readConfig<T>(reference: string, name = 'config.json', root = GIVEN): T {
  return JSON.parse(readFileSync(referencePath(reference, name, root), 'utf8')) as T;
}

/** Reads tensors of a safetensors file of a reference case by name, as float32. */
export function openTensors(reference: string, name = 'data.safetensors', root = GIVEN) {
  const path = referencePath(reference, name, root);
  const { tensors } = parseSafetensors(new Uint8Array(readFileSync(path)), path);
  const find = (key: string) => {
    const found = tensors.get(key);
    if (found === undefined) throw new Error(`${path} has no tensor ${key}`);
    return found;
  };
  const values = (key: string) => Float32Array.from(Array.from(find(key).data as Float32Array, Number));
  const shape = (key: string): readonly number[] => find(key).shape;
  return {
    values,
    shape,
    tensor: (key: string): tf.Tensor => tf.tensor(values(key), [...shape(key)]),
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
