import * as tf from '@tensorflow/tfjs-core';
import { GRID, readPicture, SPOILT, SPOILT_LABEL, type UnderstandingSample } from '@thinkrl/microworld';
import { type Objective, tokenLogProbs } from '@thinkrl/nn';
import { PERCEPTION_CLASSES, type Perception } from '../perception.ts';
import { pictureTensor } from '../picture.ts';

/**
 * Cross-entropy of what the exact reader sees in each cell of reference and edited picture, and the share of cells seen
 * right.
 */
export function perceptionObjective(
  model: Perception,
  samples: readonly UnderstandingSample[],
): Objective<'loss' | 'seen'> {
  const pictures = samples.flatMap(({ task, edited }) => [task.references[0]!, edited]);
  const logits = tf.reshape(model.forward(pictureTensor(pictures)), [-1, PERCEPTION_CLASSES]) as tf.Tensor2D;
  const labels = tf.tensor1d(cellLabels(samples), 'int32');
  const loss = tf.neg(tf.mean<tf.Scalar>(tokenLogProbs(logits, labels).logProbs));
  const seen = tf.mean<tf.Scalar>(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));
  return { loss, stats: { loss, seen } };
}

/** What each cell shows, reference and edited picture of a sample after one another. */
function cellLabels(samples: readonly UnderstandingSample[]): Int32Array {
  const labels = new Int32Array(samples.length * 2 * GRID.cells);
  samples.forEach(({ task, edited }, row) => {
    const { cells, background } = task.scene;
    [...cells, ...readPicture(edited, background).cells].forEach((id, index) => {
      labels[row * 2 * GRID.cells + index] = id === SPOILT ? SPOILT_LABEL : id;
    });
  });
  return labels;
}
