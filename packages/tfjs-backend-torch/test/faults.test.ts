import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fusedKernels } from '../src/fused/index.ts';
import { TorchDisposedError, TorchKernelError } from '../src/index.ts';
import { type FusedCase, fusedCases, type Inputs } from './fused-cases.ts';
import { run, runAll, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  expect(values(tf.add(1, 2))).toEqual([3]);
});

/** Inputs that carry what their forward kernel kept. */
const keepers = { y: true, logProb: true };

const text = (shape: readonly number[]) => `[${shape.join(',')}]`;

/** The inputs with every tensor of those named replaced. */
function replaced(inputs: Inputs, change: (name: string, tensor: tf.Tensor) => tf.Tensor): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((x) => change(name, x)) : change(name, value as tf.Tensor),
    ]),
  );
}

/** What a call throws. */
function thrown(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

function shapesOf(inputs: Inputs): string[] {
  return Object.values(inputs)
    .flat()
    .map((tensor) => text((tensor as tf.Tensor).shape));
}

/** An error that names an operation and the inputs it was given, among them the one at fault. */
function expectNamed(error: Error, shapes: readonly string[]): void {
  expect(error).toBeInstanceOf(TorchKernelError);
  expect(error.message).toMatch(/^\w+: .*\(inputs: /s);
  expect(shapes.some((shape) => error.message.includes(shape))).toBe(true);
}

/** They change what tensors are, not what they hold; `group.test.ts` misuses them. */
const ofStorage = ['ReleaseStorage', 'RestoreStorage'];

it('has a case for every fused kernel', () => {
  const names = fusedKernels.map((config) => config.kernelName).filter((name) => !ofStorage.includes(name));
  expect(fusedCases.map((one) => one.kernel).sort()).toEqual(names.sort());
});

describe.each(fusedCases)('$kernel', (one: FusedCase) => {
  const { kernel, attributes = {}, misshapen = [], mistyped = [], huge } = one;

  it('takes what fits', () => {
    expect(() => runAll(kernel, one.inputs(), attributes)).not.toThrow();
  });

  it.each(misshapen)('refuses %j', (wrong) => {
    const inputs = { ...one.inputs() };
    for (const [name, shape] of Object.entries(wrong)) {
      const like = [inputs[name] ?? tf.ones([1])].flat()[0] as tf.Tensor;
      const odd = tf.ones(shape, like.dtype as 'float32');
      inputs[name] = Array.isArray(inputs[name]) ? [odd] : odd;
    }
    expectNamed(
      thrown(() => runAll(kernel, inputs, attributes)),
      shapesOf(inputs),
    );
  });

  it.each(mistyped)('refuses %j', (wrong) => {
    const inputs = replaced(one.inputs(), (name, x) =>
      wrong[name] === undefined ? x : tf.cast(x, wrong[name]!),
    );
    expectNamed(
      thrown(() => runAll(kernel, inputs, attributes)),
      shapesOf(inputs),
    );
  });

  it('refuses disposed tensors, naming itself and the shapes', () => {
    for (const disposed of Object.keys(one.inputs())) {
      const inputs = replaced(one.inputs(), (name, x) => {
        if (name !== disposed) return x;
        const { shape, dtype } = x;
        const gone = tf.zeros(shape, dtype as 'float32');
        gone.dispose();
        return { dataId: gone.dataId, shape, dtype } as tf.Tensor;
      });
      const error = thrown(() => runAll(kernel, inputs, attributes));
      expect(error).toBeInstanceOf(TorchDisposedError);
      expect(error.message).toContain(`${kernel}: `);
      for (const shape of shapesOf(inputs)) expect(error.message).toContain(shape);
    }
  });

  it('passes NaN through', () => {
    const inputs = replaced(one.inputs(), (name, x) =>
      x.dtype !== 'float32' || name in keepers ? x : run('Copy', { x: tf.mul(x, Number.NaN) }),
    );
    const results = runAll(kernel, inputs, attributes).filter((result) => result.size > 0);
    const poisoned = Object.values(inputs).flat().length > 0;
    for (const result of results) expect(values(result).some(Number.isNaN)).toBe(poisoned);
  });

  it.skipIf(huge === undefined)('refuses a terabyte', () => {
    const asked = { inputs: one.inputs(), attributes, ...huge!() };
    const error = thrown(() => runAll(kernel, asked.inputs, asked.attributes));
    expect(error).toBeInstanceOf(TorchKernelError);
    expect(error.message).toMatch(/^\w+: .*out of memory/);
  });
});
