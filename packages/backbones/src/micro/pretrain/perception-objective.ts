import * as tf from '@tensorflow/tfjs-core';
import { GRID, type UnderstandingSample } from '@thinkrl/microworld';
import { type Objective, tokenLogProbs } from '@thinkrl/nn';
import { PERCEPTION_CLASSES, type Perception } from '../perception.ts';
import { pictureTensor } from '../picture.ts';

/** Cross-entropy of what is in each cell of reference and edited picture, with the share of cells seen right. */
export function perceptionObjective(
  model: Perception,
  samples: readonly UnderstandingSample[],
): Objective<'seen'> {
  const pictures = pictureTensor(samples.flatMap(({ task, edited }) => [task.references[0]!, edited]));
  const logits = tf.reshape(model.forward(pictures), [-1, PERCEPTION_CLASSES]) as tf.Tensor2D;
  const labels = tf.tensor1d(cellLabels(samples), 'int32');
  const { logProbs } = tokenLogProbs(logits, labels);
  return {
    loss: tf.neg(tf.mean<tf.Scalar>(logProbs)),
    stats: { seen: tf.mean<tf.Scalar>(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32')) },
  };
}

/** What each cell shows, reference and edited picture of a sample after one another. */
export function cellLabels(samples: readonly UnderstandingSample[]): Int32Array {
  const labels = new Int32Array(samples.length * 2 * GRID.cells);
  samples.forEach((sample, row) => {
    labels.set(sample.cellLabels, row * 2 * GRID.cells);
  });
  return labels;
}
