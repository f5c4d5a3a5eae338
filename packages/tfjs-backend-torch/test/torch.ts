import * as tf from '@tensorflow/tfjs-core';
import { registerGradients, registerTorch, setDevice, setThreads } from '../src/index.ts';

/** The device that the tests run on: `THINKRL_DEVICE`, else the CPU. */
export const device = process.env.THINKRL_DEVICE ?? 'cpu';

/** Makes torch the active engine, with tfjs's own check that no kernel leaks. */
export async function useTorch(): Promise<void> {
  registerTorch();
  setDevice(device);
  await registerGradients();
  await tf.setBackend('torch');
  await tf.ready();
  tf.env().set('IS_TEST', true);
  setThreads(2);
}

/** Runs a kernel by name and gives its results as a list. */
export function runAll(name: string, inputs: object, attributes: object = {}): tf.Tensor[] {
  const result = tf.engine().runKernel(name, inputs as tf.NamedTensorMap, attributes as never) as
    | tf.Tensor
    | tf.Tensor[];
  return Array.isArray(result) ? result : [result];
}

/** Runs a kernel by name for its first result. */
export function run(name: string, inputs: object, attributes: object = {}): tf.Tensor {
  return runAll(name, inputs, attributes)[0]!;
}

/** The values of a tensor, row by row. */
export function values(tensor: tf.Tensor): number[] {
  return Array.from(tensor.dataSync());
}

/** Numbers in [-1, 1) as a function of the seed, in plain JavaScript. */
export function numbers(count: number, seed: number): number[] {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround((state / 2 ** 32) * 2 - 1);
  });
}

/** A tensor of {@link numbers}. */
export function random(shape: number[], seed: number): tf.Tensor {
  return tf.tensor(
    numbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
    'float32',
  );
}

/** Largest absolute difference of two lists. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}

/** Central differences of a float64 function of a list, one entry at a time. */
export function slope(fn: (x: readonly number[]) => number, x: readonly number[], step = 1e-5): number[] {
  return x.map((value, i) => {
    const at = (moved: number) => fn(x.map((other, k) => (k === i ? moved : other)));
    return (at(value + step) - at(value - step)) / (2 * step);
  });
}
