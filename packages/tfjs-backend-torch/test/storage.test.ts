import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  adamWStep,
  castStorage,
  memoryStatistics,
  resetPeakMemory,
  type StorageType,
  storageOf,
  TorchKernelError,
} from '../src/index.ts';
import { device, distance, numbers, random, run, runAll, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const halves = ['bfloat16', 'float16'] as const;

/** Bits of the significand, the leading one included, and the exponents of the smallest and the largest number. */
const formats = {
  bfloat16: { bits: 8, least: -126, most: 127 },
  float16: { bits: 11, least: -14, most: 15 },
} as const;

/** Rounds to nearest, ties to even, in a binary format: the definition of IEEE 754, in float64. */
function rounded(value: number, storage: 'bfloat16' | 'float16'): number {
  const { bits, least, most } = formats[storage];
  if (value === 0 || !Number.isFinite(value)) return value;
  const size = Math.abs(value);
  const unit = 2 ** (Math.max(least, Math.floor(Math.log2(size))) - bits + 1);
  const whole = Math.floor(size / unit);
  const rest = size / unit - whole;
  const up = rest > 0.5 || (rest === 0.5 && whole % 2 === 1);
  const result = (whole + (up ? 1 : 0)) * unit;
  return Math.sign(value) * (result >= 2 ** (most + 1) ? Number.POSITIVE_INFINITY : result);
}

/** Equal numbers on a CPU; on a GPU, whose kernels round in another order, within a few units of the last place. */
function expectEqual(got: tf.Tensor, wanted: tf.Tensor): void {
  const [a, b] = [values(got), values(wanted)];
  if (device === 'cpu') expect(a).toEqual(b);
  else expect(distance(a, b)).toBeLessThan(2 ** -5 * (1 + largest(b)));
}

function largest(list: readonly number[]): number {
  return Math.max(...list.map(Math.abs));
}

function inHalf(shape: number[], seed: number, storage: StorageType = 'bfloat16'): tf.Tensor {
  return castStorage(random(shape, seed), storage);
}

describe('castStorage', () => {
  it.each(halves)('rounds to the nearest %s, ties to even, and back without change', (storage) => {
    const floats = fc.float({ noNaN: true });
    fc.assert(
      fc.property(fc.array(floats, { minLength: 1, maxLength: 20 }), (list) => {
        const x = castStorage(tf.tensor1d(list), storage);
        const wanted = list.map((value) => rounded(value, storage));
        expect(values(x)).toEqual(wanted);
        expect(values(castStorage(x, 'float32'))).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });

  it('rounds as worked out by hand', () => {
    // Between 1 and 2 bfloat16 numbers are 2^-7 apart, float16 numbers 2^-10; float16 ends at 65504.
    const list = [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, Math.PI];
    expect(values(castStorage(tf.tensor1d(list), 'bfloat16'))).toEqual([1, 1.015625, 1, 1, 65536, 3.140625]);
    expect(values(castStorage(tf.tensor1d(list), 'float16'))).toEqual([
      1.00390625,
      1.01171875,
      1,
      1.001953125,
      Number.POSITIVE_INFINITY,
      3.140625,
    ]);
  });

  it('stays float32 for tfjs, takes half the bytes, and is shared where nothing changes', () => {
    const x = tf.ones([1000]);
    const before = memoryStatistics().allocatedBytes;
    const y = castStorage(x, 'bfloat16');
    expect([y.dtype, storageOf(y), storageOf(x)]).toEqual(['float32', 'bfloat16', 'float32']);
    const taken = memoryStatistics().allocatedBytes - before;
    if (device === 'cpu') expect(taken).toBe(2000);
    const again = castStorage(y, 'bfloat16');
    expect(memoryStatistics().allocatedBytes - before).toBe(taken);
    expect(values(again)).toEqual(values(y));
    expect(storageOf(tf.tensor1d([1], 'int32'))).toBe('int32');
  });

  it('refuses what has no storage to choose', () => {
    const whole = tf.tensor1d([1], 'int32');
    expect(() => castStorage(whole, 'bfloat16')).toThrow(TorchKernelError);
    expect(() => castStorage(whole, 'bfloat16')).toThrow(/cast_storage: only float32 tensors .*int32 \[1\]/);
    expect(() => castStorage(tf.ones([1]), 'float8' as 'float16')).toThrow(ConfigError);
  });

  it('takes and gives bits without widening them', () => {
    const bits = new Uint16Array(1 << 20).fill(0x4049);
    resetPeakMemory();
    const before = memoryStatistics().peakBytes;
    const x = run('FromBits', {}, { bits, shape: [1024, 1024], storage: 'bfloat16' });
    expect(memoryStatistics().peakBytes - before).toBeLessThan(2.5 * bits.length);
    expect(storageOf(x)).toBe('bfloat16');
    expect(x.dataSync()[7]).toBe(3.140625);
    const half = run('FromBits', {}, { bits: Uint16Array.of(0x4248), shape: [1], storage: 'float16' });
    expect(values(half)).toEqual([3.140625]);
    expect(() => run('FromBits', {}, { bits, shape: [3], storage: 'bfloat16' })).toThrow(
      /2097152 bytes for 3/,
    );
  });

  it('is named by its storage in errors', () => {
    const wrong = () => run('Linear', { x: inHalf([2, 3], 1), weight: inHalf([4, 5], 2, 'float16') });
    expect(wrong).toThrow(/\(inputs: bfloat16 \[2,3\], float16 \[4,5\]\)/);
  });
});

type Pair = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const pairs: readonly [string, Pair][] = [
  ['add', (a, b) => tf.add(a, b)],
  ['maximum', (a, b) => tf.maximum(a, b)],
  ['squaredDifference', (a, b) => tf.squaredDifference(a, b)],
  ['concat', (a, b) => tf.concat([a, b])],
  ['matMul', (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)],
  ['Linear', (x, weight) => run('Linear', { x, weight })],
];

describe('mixed storages', () => {
  it.each(pairs)('%s: float32 wins, two kinds of halves meet in float32', (_, operation) => {
    const meet = (a: StorageType, b: StorageType) =>
      storageOf(operation(inHalf([2, 2], 1, a), inHalf([2, 2], 2, b)));
    expect(meet('float32', 'float32')).toBe('float32');
    expect(meet('bfloat16', 'bfloat16')).toBe('bfloat16');
    expect(meet('float16', 'float16')).toBe('float16');
    expect(meet('bfloat16', 'float32')).toBe('float32');
    expect(meet('float32', 'float16')).toBe('float32');
    expect(meet('bfloat16', 'float16')).toBe('float32');
  });

  it('computes a mixed product in float32', () => {
    const [x, weight] = [random([3, 5], 1), inHalf([4, 5], 2)];
    const wanted = run('Linear', { x, weight: castStorage(weight, 'float32') });
    expect(values(run('Linear', { x, weight }))).toEqual(values(wanted));
  });

  it('lets a number and an int32 tensor give way', () => {
    const x = inHalf([3], 1);
    expect(storageOf(tf.mul(x, 0.5))).toBe('bfloat16');
    expect(storageOf(tf.add(tf.scalar(1), x))).toBe('bfloat16');
    expect(storageOf(tf.add(tf.scalar(1), castStorage(tf.scalar(1), 'bfloat16')))).toBe('float32');
    expect(storageOf(run('Multiply', { a: x, b: tf.tensor1d([1, 2, 3], 'int32') }))).toBe('bfloat16');
  });
});

/** Kernels over tensors of one storage; statistics and losses are left to tests of their own. */
const kernels: readonly [string, (...x: tf.Tensor[]) => tf.Tensor, number[][]][] = [
  [
    'matMul',
    (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
    [
      [3, 40],
      [40, 5],
    ],
  ],
  ['Linear', (x, weight, bias) => run('Linear', { x, weight, bias }), [[2, 3, 40], [7, 40], [7]]],
  [
    'conv2d',
    (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
    [
      [1, 5, 5, 3],
      [3, 3, 3, 4],
    ],
  ],
  [
    'Attention',
    (query, key, value) => run('Attention', { query, key, value }, { causal: true }),
    [
      [2, 5, 4, 8],
      [2, 5, 2, 8],
      [2, 5, 2, 8],
    ],
  ],
  ['LayerNorm', (x, gain, bias) => run('LayerNorm', { x, gain, bias }), [[3, 40], [40], [40]]],
  ['RmsNorm', (x, gain) => run('RmsNorm', { x, gain }), [[3, 40], [40]]],
  ['Gelu', (x) => run('Gelu', { x }, { approximate: 'tanh' }), [[40]]],
  ['Silu', (x) => run('Silu', { x }), [[40]]],
  ['GroupNorm', (x, gain, bias) => run('GroupNorm', { x, gain, bias }, { groups: 2 }), [[2, 5, 8], [8], [8]]],
  ['GatedSilu', (gate, up) => run('GatedSilu', { gate, up }), [[40], [40]]],
  [
    'Convolution',
    (x, weight) => run('Convolution', { x, weight }),
    [
      [1, 5, 5, 3],
      [4, 3, 3, 3],
    ],
  ],
  ['Upsample', (x) => run('Upsample', { x }, { size: [7, 9], mode: 'bilinear' }), [[1, 5, 5, 3]]],
  [
    'RotaryEmbedding',
    (x) => run('RotaryEmbedding', { x, cosine: random([5, 4], 8), sine: random([5, 4], 9) }),
    [[1, 5, 2, 8]],
  ],
  ['Embedding', (weight) => run('Embedding', { weight, ids: tf.tensor1d([2, 0], 'int32') }), [[3, 4]]],
  ['softmax', (x) => tf.softmax(x), [[3, 40]]],
  ['LogSoftmax', (logits) => run('LogSoftmax', { logits }), [[3, 40]]],
  ['sum', (x) => tf.sum(x, -1), [[3, 400]]],
  ['mean', (x) => tf.mean(x, -1), [[3, 400]]],
  ['cumsum', (x) => tf.cumsum(x), [[400]]],
  ['squaredDifference', (a, b) => tf.squaredDifference(a, b), [[40], [40]]],
  ['avgPool', (x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'same'), [[1, 5, 5, 3]]],
  ['resizeBilinear', (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 9]), [[1, 5, 5, 3]]],
];

describe.each(halves)('in %s', (storage) => {
  it.each(kernels)('%s is the float32 result, rounded once', (_, kernel, shapes) => {
    const inputs = shapes.map((shape, i) => inHalf(shape, i + 1, storage));
    const wide = inputs.map((x) => castStorage(x, 'float32'));
    const result = kernel(...inputs);
    expect(storageOf(result)).toBe(storage);
    expectEqual(result, castStorage(kernel(...wide), storage));
  });

  it('adds in float32', () => {
    // Adding ones in bfloat16 stands still at 256, in float16 at 2048.
    const ones = castStorage(tf.ones([1, 4096]), storage);
    expect(values(tf.sum(ones))).toEqual([4096]);
    expect(values(run('Linear', { x: ones, weight: ones }))).toEqual([4096]);
    expect(values(tf.matMul(ones, ones, false, true))).toEqual([4096]);
    expect(values(run('GlobalNorm', { tensors: [ones] }))).toEqual([64]);
  });

  it('moves values as they are', () => {
    const x = inHalf([2, 3, 4], 1, storage);
    const moved = [
      tf.reshape(x, [6, 4]),
      tf.transpose(x),
      tf.slice(x, [0, 1, 0], [2, 1, 4]),
      tf.concat([x, x], 1),
      tf.pad(x, [
        [0, 0],
        [1, 1],
        [0, 0],
      ]),
      tf.gather(x, [1, 0]),
      tf.tile(x, [1, 2, 1]),
      tf.cast(x, 'float32'),
      tf.zerosLike(x),
      tf.relu(x),
      run('Copy', { x }),
    ];
    for (const y of moved) expect(storageOf(y)).toBe(storage);
    expect(values(tf.cast(x, 'int32'))).toEqual(values(x).map((value) => value | 0));
    expect(values(tf.gather(x, [1]))).toEqual(values(x).slice(12));
  });

  it('gives log-probabilities and entropies in float32, and their slope in the storage of the logits', () => {
    const logits = inHalf([3, 20], 1, storage);
    const ids = tf.tensor1d([0, 5, 19], 'int32');
    const results = runAll('TokenLogProb', { logits, ids });
    const wanted = runAll('TokenLogProb', { logits: castStorage(logits, 'float32'), ids });
    expect(results.map(storageOf)).toEqual(['float32', 'float32']);
    expectEqual(tf.concat(results), tf.concat(wanted));
    const slope = tf.grad((x: tf.Tensor) => tf.sum(runAll('TokenLogProb', { logits: x, ids })[0]!))(logits);
    expect(storageOf(slope)).toBe(storage);
  });

  it('measures a head in float32, with gradients in the storage of what it read', () => {
    const inputs = [inHalf([3, 8], 1, storage), inHalf([20, 8], 2, storage)];
    const ids = tf.tensor1d([0, 5, 19], 'int32');
    const measure = (hidden: tf.Tensor, weight: tf.Tensor) => runAll('HeadLogProb', { hidden, weight, ids });
    const results = measure(inputs[0]!, inputs[1]!);
    expect(results.map(storageOf)).toEqual(['float32', 'float32']);
    const wide = inputs.map((x) => castStorage(x, 'float32'));
    expectEqual(results[0]!, measure(wide[0]!, wide[1]!)[0]!);
    const grads = tf.grads((hidden: tf.Tensor, weight: tf.Tensor) => tf.sum(measure(hidden, weight)[0]!))(
      inputs,
    );
    expect(grads.map(storageOf)).toEqual([storage, storage]);
  });

  it('clips gradients by a float32 norm and leaves each its storage', () => {
    const tensors = [castStorage(tf.fill([1024], 2), storage), tf.fill([1], 64)];
    const [norm, ...clipped] = runAll('ClipGlobalNorm', { tensors }, { limit: 1 });
    // sqrt(1024 * 2^2 + 64^2) = 64 sqrt(2)
    expect(values(norm!)[0]).toBeCloseTo(64 * Math.SQRT2, 4);
    expect([norm!, ...clipped].map(storageOf)).toEqual(['float32', storage, 'float32']);
    expect(values(clipped[1]!)[0]).toBeCloseTo(Math.SQRT1_2, 5);
  });

  it('steps parameters in place with float32 moments', () => {
    const params = [inHalf([50], 1, storage)];
    const starts = values(params[0]!);
    const grads = [inHalf([50], 2, storage)];
    const [firstMoments, secondMoments] = [[tf.zeros([50])], [tf.zeros([50])]];
    const settings = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 };
    adamWStep({ params, grads, firstMoments, secondMoments }, { ...settings, step: 1, gradientScale: 1 });
    // The first step of Adam is the learning rate times the sign of the gradient.
    const signs = values(grads[0]!).map(Math.sign);
    const wanted = starts.map((p, i) => rounded(p * (1 - 0.1 * 0.01) - 0.1 * signs[i]!, storage));
    expect(storageOf(params[0]!)).toBe(storage);
    expect(distance(values(params[0]!), wanted)).toBeLessThanOrEqual(2 ** (1 - formats[storage].bits));
  });
});

describe('gradients of halves', () => {
  const x = () => inHalf([6, 8], 1);
  const loss = (input: tf.Tensor, weight: tf.Tensor) =>
    tf.mean(tf.square(castStorage(tf.relu(run('Linear', { x: input, weight })), 'float32')));

  it('have the storage of what they are gradients of', () => {
    const grads = tf.grads(loss)([x(), inHalf([4, 8], 2)]);
    expect(grads.map(storageOf)).toEqual(['bfloat16', 'bfloat16']);
    const leaf = tf.grads((input: tf.Tensor, weight: tf.Tensor) =>
      loss(input, castStorage(weight, 'bfloat16')),
    )([x(), random([4, 8], 2)]);
    expect(leaf.map(storageOf)).toEqual(['bfloat16', 'float32']);
  });

  it('stay in halves through operations whose own gradient is made of float32', () => {
    const slopes: string[] = [];
    const watched = tf.customGrad((input) => ({
      value: tf.clone(input as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => {
        slopes.push(storageOf(dy));
        return dy;
      },
    }));
    tf.grad((input: tf.Tensor) => tf.sum(tf.mul(watched(input), tf.ones([6, 8]))))(x());
    expect(slopes).toEqual(['bfloat16']);
  });

  it('equal those of float32 within the rounding of each step', () => {
    const inputs = [x(), inHalf([4, 8], 2)] as const;
    const wide = inputs.map((tensor) => castStorage(tensor, 'float32'));
    const got = tf.grads(loss)([...inputs]);
    const wanted = tf.grads(loss)(wide);
    got.forEach((gradient, i) => {
      const list = values(wanted[i]!);
      expect(distance(values(gradient), list)).toBeLessThan(largest(list) * 2 ** -6);
    });
  });
});

describe('TransformerBlock in bfloat16', () => {
  const width = 8;
  const shapes = {
    qkvWeight: [3 * width, width],
    outputWeight: [width, width],
    attentionGain: [width],
    upWeight: [2 * width, width],
    downWeight: [width, 2 * width],
  };
  const weights = () =>
    Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, inHalf(shape, 10 + i)]));
  const widened = (tensors: Record<string, tf.Tensor>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, castStorage(x, 'float32')]));

  it('is the float32 block, rounded once, and writes its keys and values into a cache of halves', () => {
    const inputs = { x: inHalf([2, 3, width], 1), ...weights() };
    const cache = () => castStorage(tf.zeros([2, 5, 2, width / 2]), 'bfloat16');
    const caches = { pastKey: cache(), pastValue: cache() };
    const attributes = { heads: 2, position: 0 };
    const y = run('TransformerBlock', { ...inputs, ...caches }, attributes);
    const [wanted, key] = runAll('TransformerBlock', widened(inputs), { heads: 2, giveKeyValues: true });
    expect(storageOf(y)).toBe('bfloat16');
    expectEqual(y, castStorage(wanted!, 'bfloat16'));
    expectEqual(tf.slice(caches.pastKey, [0, 0, 0, 0], [2, 3, 2, width / 2]), castStorage(key!, 'bfloat16'));
  });

  it('has gradients near those of the float32 block, each in its storage', () => {
    const inputs: Record<string, tf.Tensor> = { x: inHalf([2, 3, width], 1), ...weights() };
    const names = Object.keys(inputs);
    const loss = (...tensors: tf.Tensor[]) => {
      const given = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
      const y = run('TransformerBlock', given, { heads: 2, keep: true });
      return tf.sum(tf.mul(castStorage(y, 'float32'), tf.tensor(numbers(48, 3), [2, 3, width])));
    };
    const got = tf.grads(loss)(Object.values(inputs));
    const wanted = tf.grads(loss)(Object.values(widened(inputs)));
    got.forEach((gradient, i) => {
      expect(storageOf(gradient)).toBe('bfloat16');
      const list = values(wanted[i]!);
      expect(distance(values(gradient), list)).toBeLessThan(largest(list) * 2 ** -5);
    });
  });
});
