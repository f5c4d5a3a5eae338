import * as tf from '@tensorflow/tfjs-core';
import { type EditingSample, GRID } from '@thinkrl/microworld';
import { type Objective, randomNormal } from '@thinkrl/nn';
import type { Key } from '@thinkrl/spec';
import type { Editor } from '../editor.ts';
import { pictureTensor } from '../picture.ts';
import { unpadded, wordRows } from '../words.ts';

/** Extra weight of cells that change. */
const CHANGED_WEIGHT = 3;
/** Noise levels are `u ** TIME_POWER` of a uniform u: mostly high, where the text has to decide. */
const TIME_POWER = 0.4;
const LEAST_TIME = 0.02;

/** Squared error of the predicted clean picture at random noise levels, cells that change weighted four times. */
export function editorObjective(
  model: Editor,
  samples: readonly EditingSample[],
  key: Key,
): Objective<'changed' | 'kept'> {
  const stream = key.fold('time').stream();
  const times = samples.map(() => Math.max(LEAST_TIME, stream.uniform() ** TIME_POWER));
  const targets = pictureTensor(samples.map((sample) => sample.target));
  const references = pictureTensor(samples.map((sample) => sample.reference));
  const noise = randomNormal(targets.shape, key.fold('noise')) as tf.Tensor3D;
  const level = tf.tensor3d(times, [times.length, 1, 1]);
  const latents = tf.add(targets, tf.mul(level, tf.sub(noise, targets))) as tf.Tensor3D;
  const context = model.encode(references, wordRows(samples.map(({ text }) => unpadded(text))));
  const errors = tf.mean<tf.Tensor2D>(
    tf.squaredDifference(model.predict(latents, times, context), targets),
    -1,
  );
  const changed = changedMask(samples);
  const weights = tf.add(1, tf.mul(changed, CHANGED_WEIGHT));
  return {
    loss: tf.mean(tf.mul(errors, weights)),
    stats: { changed: masked(errors, changed), kept: masked(errors, tf.sub(1, changed)) },
  };
}

function changedMask(samples: readonly EditingSample[]): tf.Tensor2D {
  const mask = new Float32Array(samples.length * GRID.cells);
  samples.forEach(({ changed }, row) => {
    mask.set(changed, row * GRID.cells);
  });
  return tf.tensor2d(mask, [samples.length, GRID.cells]);
}

function masked(errors: tf.Tensor2D, mask: tf.Tensor2D): tf.Scalar {
  return tf.div(tf.sum(tf.mul(errors, mask)), tf.maximum(1, tf.sum(mask)));
}
