import * as tf from '@tensorflow/tfjs-core';
import type { Image } from '@thinkrl/spec';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import { ReferenceCache } from '../src/index.ts';
import { imageTensor } from '../src/testing/identity-codec.ts';

const pictures = [1, 2, 3].map(
  (value): Image => ({
    width: 1,
    height: 2,
    data: Float32Array.from([0, 1, 2, 3, 4, 5], (i) => value / 7 + i),
  }),
);
const [a, b, c] = pictures as [Image, Image, Image];

describe.each(engines)('ReferenceCache on %s', (engine) => {
  let encoded: Image[];
  let cache: ReferenceCache;
  beforeAll(() => useTestEngine(engine));
  beforeEach(() => {
    encoded = [];
    cache = new ReferenceCache((images) => {
      encoded.push(...images);
      return imageTensor(images);
    });
  });

  it('encodes each picture once, whatever order and number it is asked for, and gives what encoding gives', async () => {
    await cache.during(async () => {
      for (const images of [[a, b, a], [b], [c, c, b, a], [a, b, c]])
        tf.tidy(() => {
          const features = cache.features(images);
          expect(features.shape).toEqual([images.length, 2, 1, 3]);
          expect(features.dataSync()).toEqual(imageTensor(images).dataSync());
        });
    });
    expect(encoded).toEqual([a, b, c]);
  });

  it('tells pictures apart by identity: an equal copy is another one', async () => {
    await cache.during(async () => tf.dispose(cache.features([a, { ...a }])));
    expect(encoded).toHaveLength(2);
  });

  it('keeps one tensor a picture and frees all of them at the end of the outermost holder, or when it fails', async () => {
    const before = tf.memory().numTensors;
    await cache.during(async () => {
      await cache.during(async () => tf.dispose(cache.features([a, b])));
      expect(cache.size).toBe(2);
      expect(tf.memory().numTensors).toBe(before + 2);
    });
    expect(cache.size).toBe(0);
    const failing = cache.during(async () => {
      tf.dispose(cache.features([c]));
      throw new Error('sampling failed');
    });
    await expect(failing).rejects.toThrow('sampling failed');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps nothing outside', () => {
    const before = tf.memory().numTensors;
    tf.dispose([cache.features([a]), cache.features([a])]);
    expect(encoded).toEqual([a, a]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is a constant to gradients, first encoded on a tape or not: d/dw of sum(w x^2) is sum(x^2)', async () => {
    const weight = tf.variable(tf.scalar(0.5));
    const expected = [a, a, b].flatMap(({ data }) => [...data]).reduce((sum, x) => sum + x * x, 0);
    await cache.during(async () => {
      for (const _ of ['first encoded on the tape', 'kept']) {
        const { value, grads } = tf.variableGrads(
          () => tf.mul(weight, tf.sum(tf.square(cache.features([a, a, b])))) as tf.Scalar,
        );
        expect(grads[weight.name]!.dataSync()[0]! / expected).toBeCloseTo(1, 5);
        tf.dispose([value, ...Object.values(grads)]);
      }
    });
    expect(encoded).toEqual([a, b]);
    weight.dispose();
  });
});
