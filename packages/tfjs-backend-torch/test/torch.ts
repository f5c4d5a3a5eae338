import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';
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
function slope(fn: (x: readonly number[]) => number, x: readonly number[], step = 1e-5): number[] {
  return x.map((value, i) => {
    const at = (moved: number) => fn(x.map((other, k) => (k === i ? moved : other)));
    return (at(value + step) - at(value - step)) / (2 * step);
  });
}

/** A float64 input of a fused kernel: flat numbers, and the shape the kernel sees them in. */
export interface Given {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Inputs of the given shapes filled with {@link numbers}. */
export function given(shapes: readonly (readonly number[])[], seed: number): Given[] {
  return shapes.map((shape, i) => ({
    shape,
    data: numbers(
      shape.reduce((a, b) => a * b, 1),
      seed + i,
    ),
  }));
}

/** A fused operation and its float64 definition, over the same inputs. */
export interface Pair {
  readonly fused: (...inputs: tf.Tensor[]) => tf.Tensor;
  readonly plain: (...inputs: (readonly number[])[]) => readonly number[];
}

/** sum(w y) for fixed weights w. */
function weighted(y: readonly number[]): number {
  return numbers(y.length, 99).reduce((sum, w, i) => sum + w * y[i]!, 0);
}

function tensorOf({ data, shape }: Given): tf.Tensor {
  return tf.tensor([...data], [...shape], 'float32');
}

/**
 * Expects a fused operation to equal its definition, and the gradient of a weighted sum of its result by every input to
 * equal central differences of the definition; errors are relative to 1 + the largest entry.
 */
export function expectSame({ fused, plain }: Pair, inputs: readonly Given[], tolerance = 1e-4): void {
  const tensors = inputs.map(tensorOf);
  const data = inputs.map((input) => input.data);
  const expected = plain(...data);
  const close = (mine: readonly number[], exact: readonly number[], what: string) => {
    const scale = 1 + exact.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(distance(mine, exact) / scale, what).toBeLessThan(tolerance);
  };
  close(values(fused(...tensors)), expected, 'value');
  const loss = (...x: tf.Tensor[]) => {
    const y = fused(...x);
    return tf.sum(tf.mul(y, tf.tensor(numbers(y.size, 99), y.shape)));
  };
  tf.grads(loss)(tensors).forEach((gradient, i) => {
    expect(gradient.shape).toEqual(tensors[i]!.shape);
    const numeric = slope((moved) => weighted(plain(...data.map((x, k) => (k === i ? moved : x)))), data[i]!);
    close(values(gradient), numeric, `gradient by input ${i}`);
  });
}

/** Whole numbers from 1 to `max`. */
export function upTo(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max });
}

/** Seeds of {@link numbers}. */
export const seeds = fc.integer({ min: 0, max: 1e6 });

/** How often a property is tried. */
export const few = { numRuns: 25 };
