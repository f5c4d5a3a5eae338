import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { parseSafetensors } from '../src/index.ts';

/** The reference cases in a folder of fixtures: each a folder of JSON and safetensors files. */
export function referenceSet(root: string) {
  const referencePath = (reference: string, name: string) => join(root, 'reference', reference, name);
  return {
    /** Path of a file of a case. */
    referencePath,
    /** The JSON file `name` of a case. */
    readConfig: <T>(reference: string, name = 'config.json') =>
      JSON.parse(readFileSync(referencePath(reference, name), 'utf8')) as T,
    /** The tensors of a safetensors file of a case by name, as float32. */
    openTensors: (reference: string, name = 'data.safetensors') => openFile(referencePath(reference, name)),
  };
}

function openFile(path: string) {
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
