import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import { guideVelocity } from '../src/index.ts';
import { deviation, openTensors } from './fixture.ts';

const file = openTensors('pipeline', 'numerics.safetensors');

describe.each(engines)('true classifier-free guidance on %s', (engine) => {
  beforeAll(() => useTestEngine(engine));

  it.each([2.5, 4])('scale %s: value and gradients', async (scale) => {
    const name = `cfg${scale.toFixed(1)}`;
    const [positive, negative, seed] = ['cond', 'uncond', 'grad_seed'].map((key) =>
      file.tensor(`cfg.${key}`),
    );
    const combined = guideVelocity(positive!, negative!, { scale, rescale: false });
    expect(deviation(await combined.data(), file.values(`${name}.comb`))).toBeLessThan(1e-5);
    const loss = (p: tf.Tensor, n: tf.Tensor) => tf.sum(tf.mul(guideVelocity(p, n, { scale }), seed!));
    const out = guideVelocity(positive!, negative!, { scale });
    expect(deviation(await out.data(), file.values(`${name}.out`))).toBeLessThan(1e-5);
    const [byPositive, byNegative] = tf.grads(loss)([positive!, negative!]);
    expect(deviation(await byPositive!.data(), file.values(`${name}.grad_cond`))).toBeLessThan(1e-5);
    expect(deviation(await byNegative!.data(), file.values(`${name}.grad_uncond`))).toBeLessThan(1e-5);
  });
});
