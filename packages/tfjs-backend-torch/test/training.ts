import * as tf from '@tensorflow/tfjs-core';
import { adamWStep, memoryStatistics } from '../src/index.ts';
import { random, run, values } from './torch.ts';

/** What a run of {@link train} leaves behind. */
export interface Trained {
  readonly weight: readonly number[];
  /** Native tensors alive at the end, beyond those at the start. */
  readonly left: number;
  /** What the engine says to a product of shapes that do not fit. */
  readonly fault: string;
}

/** Fits `y = gelu(x weight^T)` to random targets of a seed in 40 steps, then provokes one fault. */
export function train(seed: number): Trained {
  const before = memoryStatistics().tensors;
  const weight = random([6, 8], seed);
  const [firstMoments, secondMoments] = [[tf.zeros([6, 8])], [tf.zeros([6, 8])]];
  const settings = { learningRate: 0.02, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 };
  for (let step = 1; step <= 40; step++) {
    tf.tidy(() => {
      const [x, wanted] = [random([16, 8], seed + step), random([16, 6], seed - step)];
      const loss = (w: tf.Tensor) =>
        tf.mean(tf.square(tf.sub(run('Gelu', { x: run('Linear', { x, weight: w }) }), wanted)));
      const grads = [tf.grad(loss)(weight)];
      adamWStep(
        { params: [weight], grads, firstMoments, secondMoments },
        { ...settings, step, gradientScale: 1 },
      );
    });
  }
  let fault = '';
  try {
    tf.tidy(() => run('Linear', { x: weight, weight: tf.reshape(firstMoments[0]!, [8, 6]) }));
  } catch (error) {
    fault = (error as Error).message;
  }
  const result = values(weight);
  tf.dispose([weight, ...firstMoments, ...secondMoments]);
  return { weight: result, left: memoryStatistics().tensors - before, fault };
}
