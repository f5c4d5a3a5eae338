import * as tf from '@tensorflow/tfjs-core';
import { AdamW, gradients, Linear } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { useCpu } from './engine.ts';

await useCpu();

it('the example learns to add', () => {
  const layer = new Linear({ inputs: 2, outputs: 1, key: Key.of(7) });
  const optimizer = AdamW.create({ parameters: layer.parameters(), learningRate: 0.1 });
  const x = tf.tensor2d([
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const sum = tf.tensor2d([[1], [1], [2]]);
  for (let step = 0; step < 100; step++) {
    const result = gradients(
      () => ({ loss: tf.losses.meanSquaredError(sum, layer.forward(x)) as tf.Scalar }),
      layer.parameters(),
    );
    optimizer.step(result.gradients);
    result.dispose();
  }
  expect(layer.forward(tf.tensor2d([[2, 3]])).dataSync()[0]).toBeCloseTo(5, 0);
});
