import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import {
  aggregateTokens,
  cappedReinforce,
  clippedSurrogate,
  forwardProcessLoss,
  gaussianKl,
  guardedRatio,
  highEntropyTokens,
  klEstimate,
  optimality,
  sequenceRatio,
  softGatedSurrogate,
  stopGradient,
  tokenLoss,
  tokenRatio,
} from '../src/index.ts';

async function close(tensor: tf.Tensor, expected: readonly number[], digits = 6) {
  const values = Array.from(await tensor.data());
  expect(values).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(values[i]).toBeCloseTo(value, digits);
  });
}

describe.each(engines)('formulas on %s, worked by hand', (engine) => {
  beforeAll(() => useTestEngine(engine));

  it('ratios', async () => {
    const [logProbs, old] = [tf.tensor2d([[0, Math.log(2), 9]]), tf.tensor2d([[0, 0, 0]])];
    await close(tf.slice(tokenRatio(logProbs, old), [0, 0], [1, 2]), [1, 2]);
    // exp of the mean of 0 and log 2 over the two active tokens: sqrt 2.
    await close(sequenceRatio(logProbs, old, tf.tensor2d([[1, 1, 0]])), [Math.SQRT2]);
  });

  it('clipped surrogate: the pessimistic branch, and its gradient', async () => {
    const ratio = tf.tensor1d([1.5, 1.5, 0.5, 0.5, 1]);
    const advantages = tf.tensor1d([1, -1, 1, -1, 2]);
    const clip = { low: 0.2, high: 0.3 };
    // -min(1.5, 1.3) = -1.3; -min(-1.5, -1.3) = 1.5; -min(0.5, 0.8) = -0.5; -min(-0.5, -0.8) = 0.8; -2.
    await close(clippedSurrogate(ratio, advantages, clip), [-1.3, 1.5, -0.5, 0.8, -2]);
    const gradient = tf.grad((x) => tf.sum(clippedSurrogate(x as tf.Tensor1D, advantages, clip)))(ratio);
    await close(gradient, [0, 1, -1, 0, -2]);
    // delta bounds the second: -min(-1.4, -1.3) = 1.4, without gradient.
    await close(clippedSurrogate(ratio, advantages, { ...clip, delta: 1.4 }), [-1.3, 1.4, -0.5, 0.8, -2]);
  });

  it('CISPO weighs log-probabilities by a capped ratio without gradient', async () => {
    const [logProbs, advantages] = [tf.tensor1d([-1, -2]), tf.tensor1d([1, -1])];
    const loss = (x: tf.Tensor) => cappedReinforce(tf.exp(tf.add(x, 3)), advantages, x, 4);
    // Ratios e^2 = 7.39, capped to 4, and e: -(4)(1)(-1) = 4; -(e)(-1)(-2) = -5.436564.
    await close(loss(logProbs), [4, -5.436564], 5);
    await close(tf.grad((x) => tf.sum(loss(x as tf.Tensor)))(logProbs), [-4, Math.E], 5);
  });

  it('SAPO is REINFORCE at ratio 1 and saturates away from it', async () => {
    const temperatures = { positive: 1, negative: 2 };
    const [ratio, advantages] = [tf.tensor1d([1, 3, 3]), tf.tensor1d([1, 1, -1])];
    // 4 sigmoid(0) = 2; 4 sigmoid(2) = 3.523188; (4 / 2) sigmoid(4) = 1.964028.
    await close(softGatedSurrogate(ratio, advantages, temperatures), [-2, -3.523188, 1.964028], 5);
    const gradient = tf.grad((x) => tf.sum(softGatedSurrogate(x as tf.Tensor1D, advantages, temperatures)))(
      ratio,
    );
    expect((await gradient.data())[0]).toBeCloseTo(-1, 6);
  });

  it('KL estimators', async () => {
    const [logProbs, reference] = [tf.tensor1d([-1]), tf.tensor1d([-0.5])];
    // d = 0.5: k1 = -0.5, k2 = 0.125, k3 = 1.648721 - 0.5 - 1 = 0.148721.
    await close(klEstimate(logProbs, reference, 'k1'), [-0.5]);
    await close(klEstimate(logProbs, reference, 'k2'), [0.125]);
    await close(klEstimate(logProbs, reference, 'k3'), [0.148721]);
  });

  it('KL of Gaussians', async () => {
    // Squares 1 and 4 over two elements: 2.5 / (2 * 0.25) = 5; second edit 0.
    const mean = tf.tensor2d([
      [1, 2],
      [3, 3],
    ]);
    await close(
      gaussianKl(
        mean,
        tf.tensor2d([
          [0, 0],
          [3, 3],
        ]),
        0.5,
      ),
      [5, 0],
    );
  });

  it('aggregations', async () => {
    // Chain 0 has tokens 1, 2, 3; chain 1 has 10. Sums 6 and 10.
    const perToken = tf.tensor2d([
      [1, 2, 3, 99],
      [10, 99, 99, 99],
    ]);
    const mask = tf.tensor2d([
      [1, 1, 1, 0],
      [1, 0, 0, 0],
    ]);
    await close(aggregateTokens(perToken, mask, 'grpo'), [(2 + 10) / 2]);
    await close(aggregateTokens(perToken, mask, 'grpo', { chains: 8 }), [12 / 8]);
    await close(aggregateTokens(perToken, mask, 'bnpo'), [16 / 4]);
    await close(aggregateTokens(perToken, mask, 'dr_grpo', { maximumTokens: 10 }), [16 / 20]);
    await close(aggregateTokens(perToken, mask, 'dapo', { activeTokens: 32 }), [16 / 32]);
  });

  it('high-entropy tokens: those at or above the quantile', async () => {
    const entropies = tf.tensor2d([
      [1, 4, 9],
      [2, 3, 9],
    ]);
    const mask = tf.tensor2d([
      [1, 1, 0],
      [1, 1, 0],
    ]);
    // Active entropies 1, 2, 3, 4: their median is 2.5.
    await close(highEntropyTokens(entropies, mask, 0.5), [0, 1, 0, 0, 1, 0]);
    await close(highEntropyTokens(entropies, mask, 1), [1, 1, 0, 1, 1, 0]);
  });

  it('an entropy bonus takes the weighted mean entropy off the loss and pushes it up', async () => {
    const logProbs = tf.tensor2d([[-1, -1]]);
    const rest = { logProbs, advantages: tf.tensor1d([1]), mask: tf.tensor2d([[1, 1]]) };
    const loss = (entropies: tf.Tensor) =>
      tokenLoss({ ...rest, entropies: entropies as tf.Tensor2D }, { entropyWeight: 0.1 });
    // The surrogate is -1 for both tokens; the mean entropy 3 takes off 0.3.
    await close(loss(tf.tensor2d([[2, 4]])), [-1.3]);
    await close(tf.grad(loss)(tf.tensor2d([[2, 4]])), [-0.05, -0.05]);
  });

  it('advantages per token act on their own token', async () => {
    const logProbs = tf.tensor2d([[-1, -1]]);
    const advantages = tf.tensor2d([[1, 0]]);
    const mask = tf.onesLike(logProbs) as tf.Tensor2D;
    const gradient = tf.grad((x) => tokenLoss({ logProbs: x as tf.Tensor2D, advantages, mask }))(logProbs);
    await close(gradient, [-0.5, 0]);
  });

  it('stopGradient keeps values only', async () => {
    const x = tf.tensor1d([3]);
    await close(tf.grad((y) => tf.sum(tf.mul(y, stopGradient(y as tf.Tensor))))(x), [3]);
  });

  it('guarded ratio takes the mean shift out and scales by the deviation', async () => {
    const step = {
      logProb: tf.tensor1d([-1]),
      oldLogProb: tf.tensor1d([-0.9]),
      advantages: tf.tensor1d([1]),
      mean: tf.tensor2d([[1, 1]]),
      oldMean: tf.tensor2d([[1, 0.8]]),
      deviation: 0.5,
    };
    // Bias mean(0, 0.04) / (2 * 0.25) = 0.04; (-0.1 + 0.04) * 0.5 = -0.03.
    await close(guardedRatio(step), [Math.exp(-0.03)]);
    const { oldLogProb: _, oldMean: __, ...onPolicy } = step;
    await close(guardedRatio(onPolicy), [1]);
  });

  it('forward-process loss pulls toward good edits and away from bad ones', async () => {
    await close(optimality(tf.tensor1d([-10, 0, 2.5]), 5), [0, 0.5, 0.75]);
    const step = {
      velocity: tf.tensor2d([[1], [1]]),
      oldVelocity: tf.tensor2d([[0.5], [0.5]]),
      target: tf.tensor2d([[2], [2]]),
      advantages: tf.tensor1d([5, -5]),
    };
    // beta 0.5: v+ = 0.75, v- = 0.25. Good edit: 1.25^2; bad edit: 1.75^2. Mean 2.3125, over beta 4.625.
    await close(forwardProcessLoss(step, { beta: 0.5 }), [4.625]);
    const loss = (v: tf.Tensor) => forwardProcessLoss({ ...step, velocity: v }, { beta: 0.5 });
    // d/dv of 1.25^2 / beta / 2 = -2 * 1.25 / 2, of 1.75^2 likewise with +: -1.25 and +1.75.
    await close(tf.grad((v) => loss(v as tf.Tensor))(step.velocity), [-1.25, 1.75]);
    // Adaptive, sigma 0.5: squares in x_0 are a quarter, sizes 0.5 * 1.25 and 0.5 * 1.75.
    const adaptive = forwardProcessLoss({ ...step, sigma: 0.5 }, { beta: 0.5, weighting: 'adaptive' });
    await close(adaptive, [(0.5 * 1.25 + 0.5 * 1.75) / 2 / 0.5]);
  });
});
