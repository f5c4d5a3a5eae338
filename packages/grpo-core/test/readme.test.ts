import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { flowLoss, tokenLoss, tokenStatistics } from '@thinkrl/grpo-core';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  await useEngine(); // torch, else wasm; any engine of tfjs will do

  // Two chains of three and two tokens; the first was better than its group.
  const oldLogProbs = tf.tensor2d([
    [-1, -2, -1],
    [-2, -1, 0],
  ]);
  const batch = {
    oldLogProbs,
    advantages: tf.tensor1d([1, -1]),
    mask: tf.tensor2d([
      [1, 1, 1],
      [1, 1, 0],
    ]),
  };
  const objective = { aggregation: 'dapo', epsilonHigh: 0.28 } as const;
  const logProbs = tf.tensor2d([
    [-0.9, -1.5, -1],
    [-2.4, -1, 0],
  ]);
  const gradient = tf.grad((x) => tokenLoss({ ...batch, logProbs: x as tf.Tensor2D }, objective))(logProbs); // [2, 3]
  const { clipFraction } = await tokenStatistics({ ...batch, logProbs }, objective); // 0.4

  const step = { logProb: tf.tensor1d([-0.5, -0.6]), advantages: tf.tensor1d([1, -0.5]) };
  const loss = flowLoss(step, { clip: 1e-3 }); // -0.25: on policy the ratio is 1
  expect(gradient.shape).toEqual([2, 3]);
  expect(clipFraction).toBeCloseTo(0.4, 12);
  expect((await loss.data())[0]).toBeCloseTo(-0.25, 6);
});
