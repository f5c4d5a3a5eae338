import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  castStorage,
  memoryStatistics,
  resetPeakMemory,
  setDevice,
  setThreads,
  synchronize,
  TorchDeviceError,
  TorchEngineError,
  torchFacts,
} from '../src/index.ts';
import { device, random, useTorch } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('the device', () => {
  it('is named in the facts, and threads are what was set', () => {
    setThreads(1);
    expect(torchFacts()).toMatchObject({ device, threads: 1 });
    setThreads(2);
    expect(torchFacts().threads).toBe(2);
  });

  it.each([
    ['cuda:99', /no CUDA: pip install torch|sees no GPU|there is no cuda:99: this machine has \d+ GPU/],
    ['mps', /use cpu or cuda:N/],
    ['gpu', /setDevice: /],
  ])('%s is refused in words that say why, and the old one stays', (name, words) => {
    expect(() => setDevice(name)).toThrow(TorchDeviceError);
    expect(() => setDevice(name)).toThrow(words);
    expect(torchFacts().device).toBe(device);
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  });

  it('counts what is live, what was live at most, and what is held', () => {
    const before = memoryStatistics();
    resetPeakMemory();
    const x = tf.zeros([1 << 18]);
    tf.tidy(() => tf.add(tf.add(x, 1), 2)).dispose();
    const { allocatedBytes, peakBytes, reservedBytes } = memoryStatistics();
    expect(allocatedBytes - before.allocatedBytes).toBe(1 << 20);
    expect(peakBytes - before.allocatedBytes).toBeGreaterThanOrEqual(3 << 20);
    expect(peakBytes - before.allocatedBytes).toBeLessThan(4 << 20);
    expect(reservedBytes).toBeGreaterThanOrEqual(allocatedBytes);
    resetPeakMemory();
    expect(memoryStatistics().peakBytes).toBe(allocatedBytes);
  });
});

describe('an asynchronous read', () => {
  it.each([
    ['float32', () => random([3, 5], 1)],
    ['a transposed view', () => tf.transpose(random([3, 5], 1))],
    ['bfloat16', () => castStorage(random([3, 5], 1), 'bfloat16')],
    ['int32', () => tf.tensor1d([1, -2, 3], 'int32')],
    ['bool', () => tf.tensor1d([true, false], 'bool')],
    ['complex64', () => tf.complex([1, 2], [3, 4])],
    ['string', () => tf.tensor1d(['a', 'b'])],
    ['nothing', () => tf.zeros([0, 3])],
  ])('of %s gives what a synchronous one gives', async (_, make) => {
    const x = make();
    expect(await x.data()).toEqual(x.dataSync());
  });

  it('gives the values of its moment, whatever happens to the tensor afterwards', async () => {
    const x = random([1000], 1);
    const wanted = Array.from(x.dataSync());
    const pending = x.data();
    x.dispose();
    expect(Array.from(await pending)).toEqual(wanted);
  });

  it.skipIf(device === 'cpu')('lets the event loop turn while the GPU computes', async () => {
    let y: tf.Tensor = castStorage(random([4096, 4096], 1), 'bfloat16');
    synchronize();
    for (let i = 0; i < 200; i++) y = tf.matMul(y as tf.Tensor2D, y as tf.Tensor2D);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await y.data();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});

it('synchronizes whatever the device is', () => {
  tf.neg(random([10], 1));
  expect(synchronize()).toBeUndefined();
  expect(new TorchDeviceError('cuda:7')).toBeInstanceOf(TorchEngineError);
});
