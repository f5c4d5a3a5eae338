import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { Key } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AdamW,
  castStorage,
  ExponentialAverage,
  KeyValueCache,
  Linear,
  loadParameters,
  readSafetensors,
  saveParameters,
  storeParameters,
  TransformerBlock,
} from '../src/index.ts';
import { difference, torchIsHere, useCpu, values } from './engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'nn-storage-'));
const engines = [...((await torchIsHere()) ? ['torch'] : []), 'cpu'];

/** Whether results in the storage of `x` are rounded to bfloat16, where 1 and 1 + 2^-7 are neighbours. */
function isStoredShort(x: tf.Tensor): boolean {
  const ones = tf.onesLike(x);
  return tf.add(ones, tf.scalar(2 ** -9)).dataSync()[0] === 1;
}

describe.each(engines)('storages on %s', (engine) => {
  beforeAll(async () => {
    await tf.setBackend(engine);
  });
  afterAll(useCpu);

  it('round to the nearest half and pass the gradient on', () => {
    // bfloat16 has 8 significant bits, float16 has 11: pi is 3.140625 in both, 1.01 is 1.0078125 or 1.009765625.
    const x = tf.tensor1d([Math.PI, 1.01]);
    expect([...castStorage(x, 'bfloat16').dataSync()]).toEqual([3.140625, 1.0078125]);
    expect([...castStorage(x, 'float16').dataSync()]).toEqual([3.140625, 1.009765625]);
    expect([...castStorage(x, 'float32').dataSync()]).toEqual([...x.dataSync()]);
    const slope = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(castStorage(t, 'float16'), [2, 3])))(x);
    expect([...slope.dataSync()]).toEqual([2, 3]);
  });

  it('hold the parameters of a model, which then trains with float32 moments', () => {
    const layer = new Linear({ inputs: 3, outputs: 2, key: Key.of(1) });
    storeParameters(layer.parameters(), 'bfloat16');
    expect(isStoredShort(layer.weight)).toBe(engine === 'torch');
    const x = castStorage(values([4, 3], 2), 'bfloat16');
    const loss = () => tf.mean(tf.square(castStorage(layer.forward(x), 'float32'))) as tf.Scalar;
    const optimizer = AdamW.create({ parameters: layer.parameters(), learningRate: 0.05 });
    const before = loss().dataSync()[0]!;
    for (let step = 0; step < 20; step++) {
      const { grads } = tf.variableGrads(loss, [layer.weight, layer.bias!]);
      const byName = [...layer.parameters()].map(
        ([name, variable]) => [name, grads[variable.name]!] as const,
      );
      optimizer.step(new Map(byName));
    }
    expect(loss().dataSync()[0]!).toBeLessThan(0.3 * before);
    expect(isStoredShort(layer.weight)).toBe(engine === 'torch');
    for (const moment of optimizer.state().moments.values()) expect(isStoredShort(moment)).toBe(false);
    const average = new ExponentialAverage(layer.parameters());
    for (const value of average.values().values()) expect(isStoredShort(value)).toBe(false);
  });

  it('are taken from a file of bfloat16, widened or as they are', async () => {
    const path = join(folder, `${engine}.safetensors`);
    const layer = new Linear({ inputs: 3, outputs: 2, key: Key.of(3) });
    storeParameters(layer.parameters(), 'bfloat16');
    await saveParameters(path, layer.parameters(), { dtype: 'BF16' });
    const { tensors } = await readSafetensors(path);
    const copy = new Linear({ inputs: 3, outputs: 2, key: Key.of(4) });
    for (const halves of ['widen', 'keep'] as const) {
      loadParameters(copy.parameters(), tensors, { halves });
      expect([...copy.weight.dataSync()]).toEqual([...layer.weight.dataSync()]);
      expect(isStoredShort(copy.weight)).toBe(engine === 'torch' && halves === 'keep');
    }
  });

  it('hold the keys and values of a cache, with the result of all tokens at once', () => {
    const block = new TransformerBlock({ size: 8, heads: 2, key: Key.of(5) });
    storeParameters(block.parameters(), 'bfloat16');
    const x = castStorage(values([1, 4, 8], 6) as tf.Tensor3D, 'bfloat16');
    const mask = tf.tensor([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1], [1, 1, 4, 4], 'bool');
    const wanted = block.forward(x, { mask });
    const cache = new KeyValueCache({
      layers: 1,
      batch: 1,
      capacity: 4,
      heads: 2,
      size: 4,
      storage: 'bfloat16',
    });
    const tokens = [0, 1, 2, 3].map((t) => {
      const y = block.forward(tf.slice(x, [0, t, 0], [1, 1, 8]), { cache: cache.layer(0, 1) });
      cache.advance(1);
      return y;
    });
    expect(difference(tf.concat(tokens, 1), wanted)).toBeLessThan(2 ** -6);
    cache.dispose();
  });
});
