import * as tf from '@tensorflow/tfjs-core';
import {
  adamWStep,
  castStorage,
  memoryStatistics,
  registerGradients,
  registerTorch,
  setDevice,
  storageOf,
} from '@thinkrl/tfjs-backend-torch';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  registerTorch();
  setDevice('cpu'); // or 'cuda:0'
  await registerGradients();
  await tf.setBackend('torch');

  const seeded = (shape: number[], seed: number) =>
    tf.engine().runKernel('SeededNormal', {}, { shape, seed }) as tf.Tensor;
  const weight = seeded([4, 3], 1);
  const x = seeded([2, 3], 2);
  const loss = (w: tf.Tensor) =>
    tf.sum(tf.square(tf.engine().runKernel('Linear', { x, weight: w }) as tf.Tensor));
  const before = loss(weight).dataSync()[0]!;
  const [params, grads] = [[weight], [tf.grad(loss)(weight)]];
  const [firstMoments, secondMoments] = [[tf.zerosLike(weight)], [tf.zerosLike(weight)]];
  const settings = {
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    gradientScale: 1,
  };
  adamWStep({ params, grads, firstMoments, secondMoments }, { ...settings, step: 1 });
  const after = loss(weight).dataSync()[0]!; // smaller
  const { tensors, peakBytes } = memoryStatistics();

  const half = castStorage(weight, 'bfloat16');
  const storage = storageOf(half); // 'bfloat16'; half.dtype stays 'float32'
  expect(after).toBeLessThan(before);
  expect(tensors).toBeGreaterThan(0);
  expect(peakBytes).toBeGreaterThan(0);
  expect([storage, half.dtype]).toEqual(['bfloat16', 'float32']);
});
