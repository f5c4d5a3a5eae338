import * as tf from '@tensorflow/tfjs-core';
import {
  castStorage,
  type HostTensor,
  loadParameters,
  type ParameterMap,
  randomNormal,
  type StorageType,
} from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';

/** Normal numbers drawn; parameters take theirs from different places among them. */
const POOL = 2 ** 26;

/** Gives parameters the weights of a file, or random ones made on the device: matrices normal, gains 1, biases 0. */
export function setWeights(
  parameters: ParameterMap,
  known: ReadonlyMap<string, HostTensor> | null,
  storage: StorageType,
): void {
  if (known === null) {
    fillRandom(parameters, storage);
    return;
  }
  const own = new Map([...parameters.keys()].map((name) => [name, known.get(name)!]));
  loadParameters(parameters, own, { storage });
}

function fillRandom(parameters: ParameterMap, storage: StorageType): void {
  const sizes = [...parameters.values()].map(({ size }) => size);
  const pool = randomNormal([Math.min(POOL, Math.max(...sizes))], Key.of(1)) as tf.Tensor1D;
  [...parameters].forEach(([name, variable], index) => {
    tf.tidy(() => {
      const { rank, shape, size } = variable;
      const matrix = () => tf.reshape(tf.mul(numbers(pool, size, index), 0.02), shape);
      const vector = () => (name.endsWith('weight') ? tf.ones(shape) : tf.zeros(shape));
      variable.assign(castStorage(rank > 1 ? matrix() : vector(), storage));
    });
  });
  pool.dispose();
}

/** So many numbers of the pool, from a place of their own, or all of it over and over. */
function numbers(pool: tf.Tensor1D, count: number, index: number): tf.Tensor1D {
  if (count <= pool.size) return tf.slice(pool, [(index * 1_000_003) % (pool.size - count + 1)], [count]);
  const times = Math.ceil(count / pool.size);
  return tf.slice(tf.concat(new Array<tf.Tensor1D>(times).fill(pool)), [0], [count]);
}
