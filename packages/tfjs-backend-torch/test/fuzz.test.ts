import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import { TorchEngineError, TorchKernelError } from '../src/index.ts';
import { type FusedCase, fusedCases } from './fused-cases.ts';
import { runAll, useTorch, values } from './torch.ts';

beforeAll(useTorch);

/** Calls per kernel. */
const tries = 12;

type Named = Record<string, unknown>;
type Backend = tf.KernelBackend;

/** Random choices as a function of the seed. */
class Draws {
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 2654435761 + 1) >>> 0;
  }

  below(count: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * count);
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  list<T>(longest: number, make: () => T): T[] {
    return Array.from({ length: this.below(longest + 1) }, make);
  }
}

function textSeed(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
}

/** Tensors of every dtype and rank, with odd numbers in them, views, disposed ones, and results that keep state. */
function pool(draws: Draws): tf.TensorInfo[] {
  const odd = [0, 1, -1, 2, 0.5, 1e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const make = (dtype: 'float32' | 'int32' | 'bool') => {
    // Mostly twos, so that shapes often fit each other.
    const shape = draws.list(5, () => draws.one([2, 2, 2, 2, 1, 3, 0]));
    const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
      dtype === 'float32' ? draws.one(odd) : dtype === 'bool' ? draws.below(2) : draws.below(7) - 2,
    );
    return tf.tensor(data, shape as [number], dtype);
  };
  const numeric = Array.from({ length: 96 }, (_, i) =>
    make((['float32', 'float32', 'int32', 'bool'] as const)[i % 4]!),
  );
  const square = tf.tensor([1, 2, 3, 4], [2, 2]);
  const image = tf.ones([1, 3, 3, 2]);
  const heads = tf.ones([1, 2, 2, 2]);
  const ids = tf.tensor1d([0, 1], 'int32');
  const gone = tf.ones([2, 2]);
  const { dataId, shape, dtype } = gone;
  gone.dispose();
  const kept = [
    ...runAll('LayerNorm', { x: square }),
    ...runAll('RmsNorm', { x: square, gain: tf.ones([2]) }),
    ...runAll('Attention', { query: heads, key: heads, value: heads }),
    ...runAll('TokenLogProb', { logits: square, ids }),
    ...runAll('GroupNorm', { x: image }, { groups: 2 }),
  ];
  const others = [
    tf.transpose(square),
    tf.complex(square, square),
    tf.tensor1d(['a b', 'c'], 'string'),
    { dataId, shape, dtype },
  ];
  return [...numeric, square, image, heads, ids, ...kept, ...others];
}

/** Values for an attribute: what its name lets expect, and now and then anything. */
function attribute(draws: Draws, name: string): unknown {
  const small = () => draws.below(8) - 2;
  const integers = () => draws.list(4, small);
  const pairs = () => draws.list(5, () => [draws.below(3), draws.below(3)]);
  const words = [
    'same',
    'valid',
    'NHWC',
    'NCHW',
    'relu',
    'prelu',
    'linear',
    'nearest',
    'bilinear',
    'reflect',
    'tanh',
  ];
  const anything = [
    small,
    () => draws.one([0.5, Number.NaN, -1e9]),
    integers,
    () => draws.one(words),
    () => undefined,
  ];
  const expected: Record<string, () => unknown> = {
    dtype: () => draws.one(['float32', 'int32', 'bool', 'complex64', 'string']),
    pad: () =>
      draws.one<unknown>([
        'same',
        'valid',
        1,
        [
          [0, 0],
          [1, 1],
          [0, 1],
          [0, 0],
        ],
      ]),
    paddings: pairs,
    crops: pairs,
    storage: () => draws.one(['float32', 'bfloat16', 'float16']),
    dimRoundingMode: () => undefined,
    filterShape: () =>
      draws.one([
        [2, 2, 2, 2],
        [2, 2, 2, 2, 2],
      ]),
    inputShape: () =>
      draws.one([
        [2, 2, 2, 2],
        [2, 2, 2, 2, 2],
      ]),
    dataFormat: () => draws.one(['NHWC', 'NCHW']),
    equation: () => draws.one(['ij,jk->ik', 'ij->ji', 'i,i->', '...ij->...i', 'ij,ij->', 'x']),
    axis: () => (draws.below(2) ? small() : integers()),
    strides: () => draws.one<unknown>([1, 2, [1, 1], [2, 1], [1, 1, 1], [2, 1, 1, 1]]),
    filterSize: () => draws.one<unknown>([1, 2, [2, 2], [1, 2, 1]]),
    dilations: () => draws.one<unknown>([1, [1, 1], [2, 2], [1, 1, 1]]),
    size: () => [1 + draws.below(4), 1 + draws.below(4)],
  };
  const listed = /shape|size|begin|end|perm|dims|reps|words|before|after|splits/i;
  const flagged = /^(keep|align|half|transpose|exclusive|reverse|causal|interleaved|back|with|sorted|binary)/;
  if (draws.below(5) === 0) return draws.one(anything)();
  if (expected[name]) return expected[name]();
  if (listed.test(name)) return integers();
  if (flagged.test(name)) return draws.below(2) === 0;
  return draws.one([small, small, integers])();
}

/** An object that notes which of its properties are asked for. */
function recorder(asked: Set<string>, answer: unknown): Named {
  return new Proxy({} as Named, {
    get: (_, name) => {
      if (typeof name === 'string') asked.add(name);
      return answer;
    },
  });
}

interface Signature {
  readonly inputs: Set<string>;
  readonly attributes: Set<string>;
}

/** Names of a kernel's inputs and attributes, as it and its model in plain JavaScript ask for them. */
function signatureOf(kernel: tf.KernelConfig, backend: Backend): Signature {
  const signature = { inputs: new Set<string>(), attributes: new Set<string>() };
  const sample = tf.ones([1, 2, 2, 1]);
  for (const config of [kernel, tf.getKernel(kernel.kernelName, 'cpu')]) {
    try {
      const inputs = recorder(signature.inputs, sample) as unknown as tf.NamedTensorInfoMap;
      const attrs = recorder(signature.attributes, undefined) as unknown as tf.NamedAttrMap;
      config?.kernelFunc({ inputs, attrs, backend });
    } catch {
      // Only what was asked for matters here.
    }
  }
  return signature;
}

/** Kernels over a list ask it for what lists have; the names of the rest name tensors, or lists of them. */
function inputsFor(draws: Draws, { inputs }: Signature, all: readonly tf.TensorInfo[]): unknown {
  const rank = draws.below(6);
  // Two calls in three take tensors of one rank, which many kernels want.
  const tensors = draws.below(3) === 0 ? all : all.filter(({ shape }) => shape.length === rank);
  const some = () => draws.list(3, () => draws.one(tensors));
  if (['length', 'map', '0'].some((name) => inputs.has(name))) return some();
  const lists = /^(grads|firstMoments|secondMoments|averages|tensors)$/;
  const one = (name: string) =>
    lists.test(name) ? some() : draws.below(8) === 0 ? undefined : draws.one(tensors);
  return Object.fromEntries([...inputs].map((name) => [name, one(name)]));
}

interface Asked {
  readonly inputs: unknown;
  readonly attrs: Named;
}

/** A call of inputs and attributes drawn by name. */
function drawn(draws: Draws, signature: Signature, tensors: readonly tf.TensorInfo[]): Asked {
  const attrs = [...signature.attributes].map((name) => [name, attribute(draws, name)]);
  return { inputs: inputsFor(draws, signature, tensors), attrs: Object.fromEntries(attrs) };
}

/** A call that fits, but for one input or attribute. */
function nearlyFitting(draws: Draws, fits: FusedCase, tensors: readonly tf.TensorInfo[]): Asked {
  const inputs: Named = { ...fits.inputs() };
  const attrs: Named = { ...fits.attributes };
  const names = Object.keys(inputs);
  const odd = draws.one([...names, ...names, ...Object.keys(attrs), '']);
  if (odd in attrs) attrs[odd] = attribute(draws, odd);
  if (odd in inputs) inputs[odd] = Array.isArray(inputs[odd]) ? [draws.one(tensors)] : draws.one(tensors);
  return { inputs, attrs };
}

/** What is wrong with an error that a kernel threw; nothing if it is as it should be. */
function complaint(error: unknown): string | undefined {
  if (error instanceof ConfigError) return undefined;
  if (!(error instanceof TorchEngineError)) return `threw ${error}`;
  const beside = error instanceof TorchKernelError && error.inputs !== undefined;
  return beside || /^\w+: .*\(inputs: /s.test(error.message)
    ? undefined
    : `threw without naming its inputs: ${error.message}`;
}

/** Reads what a kernel gave, so that its storage is known to be there, and frees it. */
function consumed(backend: Backend, { dataId, shape, dtype }: tf.TensorInfo): string | undefined {
  const count = shape.reduce((a, b) => a * b, 1) * (dtype === 'complex64' ? 2 : 1);
  const { length } = backend.readSync(dataId) as ArrayLike<unknown>;
  backend.disposeData(dataId);
  return length === count ? undefined : `gave ${length} values of shape [${shape}]`;
}

interface Outcome {
  readonly succeeded: boolean;
  readonly problems: readonly string[];
}

function attempt(kernel: tf.KernelConfig, backend: Backend, inputs: unknown, attrs: Named): Outcome {
  let given: tf.TensorInfo | tf.TensorInfo[];
  try {
    given = kernel.kernelFunc({ inputs, attrs, backend } as never);
  } catch (error) {
    const problem = complaint(error);
    return { succeeded: false, problems: problem === undefined ? [] : [problem] };
  }
  const problems = [given].flat().map((info) => consumed(backend, info));
  return { succeeded: true, problems: problems.filter((problem) => problem !== undefined) };
}

/** Calls one kernel many times; gives how often it succeeded and adds what went wrong to `problems`. */
function pester(kernel: tf.KernelConfig, tensors: readonly tf.TensorInfo[], problems: string[]): number {
  const draws = new Draws(textSeed(kernel.kernelName));
  const backend = tf.backend();
  const signature = signatureOf(kernel, backend);
  const fits = fusedCases.find((one) => one.kernel === kernel.kernelName);
  let succeeded = 0;
  for (let i = 0; i < tries; i++) {
    const near = fits !== undefined && i % 2 === 0;
    const { inputs, attrs } = near ? nearlyFitting(draws, fits, tensors) : drawn(draws, signature, tensors);
    const outcome = attempt(kernel, backend, inputs, attrs);
    if (outcome.succeeded) succeeded++;
    for (const problem of outcome.problems)
      problems.push(`${kernel.kernelName} ${problem} for ${JSON.stringify(attrs)}`);
  }
  return succeeded;
}

describe('every kernel under random shapes, dtypes, attributes and disposed tensors', () => {
  it('gives results or an error of the engine that names operation and inputs, and the next one works', () => {
    const kernels = tf.getKernelsForBackend('torch');
    expect(kernels.length).toBeGreaterThan(210);
    const problems: string[] = [];
    let succeeded = 0;
    const tensors = pool(new Draws(1));
    for (const kernel of kernels) {
      succeeded += tf.tidy(() => pester(kernel, tensors, problems));
      if (values(tf.add(1, 2))[0] !== 3) problems.push(`after ${kernel.kernelName} nothing works`);
    }
    expect(problems).toEqual([]);
    expect(succeeded).toBeGreaterThan(0.1 * tries * kernels.length);
  }, 60_000);
});
