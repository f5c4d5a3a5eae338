import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { Key } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Embedding, Linear, loadParameters, placeholder } from '../src/index.ts';
import { torchIsHere, useCpu } from './engine.ts';

const engines = (await torchIsHere()) ? (['cpu', 'torch'] as const) : (['cpu'] as const);

describe.each(engines)('parameters to be loaded on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ engine, threads: 1 });
  });
  afterAll(useCpu);

  it('read as zeros and take what is loaded', () => {
    const key = Key.of(1);
    const before = tf.memory().numTensors;
    const layer = new Linear({ inputs: 3, outputs: 2, start: 'unset', key });
    const words = new Embedding({ vocabulary: 2, size: 2, start: 'unset', key });
    expect([...layer.weight.dataSync(), ...words.weight.dataSync()]).toEqual(new Array(10).fill(0));
    loadParameters(
      layer.parameters(),
      new Map([
        ['weight', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
        ['bias', { shape: [2], data: Float32Array.of(7, 8) }],
      ]),
    );
    expect(tf.tidy(() => [...layer.forward(tf.ones([1, 3])).dataSync()])).toEqual([13, 23]);
    layer.dispose();
    words.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.runIf(engine === 'torch')('take no storage', () => {
    // A terabyte, which no test machine has.
    const huge = placeholder([512, 1024, 1024, 512]);
    expect(huge.shape).toEqual([512, 1024, 1024, 512]);
    huge.dispose();
  });
});
