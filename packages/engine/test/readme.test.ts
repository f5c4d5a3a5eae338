import * as tf from '@tensorflow/tfjs-core';
import { diagnoseEngine, useEngine } from '@thinkrl/engine';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  const notices: string[] = [];
  const report = await useEngine({ engine: 'auto', threads: 2, onNotice: (line) => notices.push(line) });
  // { name: 'torch', version: '1.13.0', origin: 'libtorch from system (...)', threads: 2, device: 'cpu' }

  const slope = tf
    .grad((x) => tf.square(x))(tf.scalar(3))
    .dataSync()[0]; // 6

  const { missing } = await diagnoseEngine(); // one line per missing thing, with how to get it
  expect(notices.length).toBe(report.name === 'torch' ? 0 : 1);
  expect(slope).toBe(6);
  expect(missing.every((line) => line.length > 0)).toBe(true);
});
