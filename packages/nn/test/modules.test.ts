import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  Embedding,
  FeedForward,
  KeyValueCache,
  LayerNorm,
  Linear,
  type Module,
  SelfAttention,
  StorageError,
  TransformerBlock,
} from '../src/index.ts';
import { difference, gradientError, useCpu, values } from './engine.ts';

await useCpu();
const key = Key.of(3);

describe('gradients of modules equal central differences', () => {
  const modules: [string, Module & { forward(x: tf.Tensor): tf.Tensor }, tf.Tensor][] = [
    ['Linear', new Linear({ inputs: 3, outputs: 2, key }), values([2, 3], 'x')],
    ['LayerNorm', new LayerNorm(4), values([2, 4], 'x')],
    ['FeedForward', new FeedForward({ size: 2, expansion: 2, key }), values([2, 2], 'x')],
    ['SelfAttention', new SelfAttention({ size: 4, heads: 2, key }) as never, values([1, 3, 4], 'x')],
    [
      'TransformerBlock',
      new TransformerBlock({ size: 4, heads: 2, expansion: 2, key }) as never,
      values([1, 3, 4], 'x'),
    ],
  ];
  it.each(modules)('%s', (_, module, x) => {
    expect(gradientError((input) => module.forward(input!), [x])).toBeLessThan(1e-2);
    for (const [name, variable] of module.parameters()) {
      const start = tf.clone(variable);
      const fn = (weight: tf.Tensor) => {
        variable.assign(weight);
        return module.forward(x);
      };
      const analytic = tf.variableGrads(
        () => tf.sum(tf.mul(module.forward(x), values(module.forward(x).shape, 'weights'))),
        [variable],
      );
      const gradient = analytic.grads[variable.name]!.dataSync();
      const base = Float32Array.from(start.dataSync());
      const largest = Math.max(1e-2, ...gradient.map(Math.abs));
      for (let i = 0; i < base.length; i++) {
        const at = (delta: number) => {
          const moved = base.slice();
          moved[i] = moved[i]! + delta;
          return tf
            .sum(tf.mul(fn(tf.tensor(moved, variable.shape)), values(module.forward(x).shape, 'weights')))
            .dataSync()[0]!;
        };
        expect(
          Math.abs((at(1e-2) - at(-1e-2)) / 2e-2 - gradient[i]!) / largest,
          `${name}[${i}]`,
        ).toBeLessThan(1e-2);
      }
      variable.assign(start);
    }
  });
});

const causal = (targets: number, sources: number) =>
  tf.tensor(
    Array.from(
      { length: targets * sources },
      (_, i) => i % sources <= Math.floor(i / sources) + sources - targets,
    ),
    [1, 1, targets, sources],
    'bool',
  );

describe('modules', () => {
  it('names parameters by their place', () => {
    const block = new TransformerBlock({ size: 4, heads: 2, key });
    expect([...block.parameters().keys()]).toEqual([
      'attentionNorm.gain',
      'attentionNorm.bias',
      'attention.qkv.weight',
      'attention.qkv.bias',
      'attention.output.weight',
      'attention.output.bias',
      'feedForwardNorm.gain',
      'feedForwardNorm.bias',
      'feedForward.up.weight',
      'feedForward.up.bias',
      'feedForward.down.weight',
      'feedForward.down.bias',
    ]);
  });
  it('starts from its key alone, and many live side by side without leaking', () => {
    const before = tf.memory().numTensors;
    const [a, b, c] = [key, key, Key.of(4)].map((k) => new Embedding({ vocabulary: 5, size: 3, key: k }));
    expect([...a!.weight.dataSync()]).toEqual([...b!.weight.dataSync()]);
    expect([...a!.weight.dataSync()]).not.toEqual([...c!.weight.dataSync()]);
    expect(tf.memory().numTensors - before).toBe(3);
    for (const module of [a, b, c]) module!.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
  it('refuses heads that do not divide the size', () => {
    expect(() => new SelfAttention({ size: 4, heads: 3, key })).toThrow(ConfigError);
  });
  it('computes only the targets asked for, with the same result', () => {
    const block = new TransformerBlock({ size: 4, heads: 2, key });
    const x = values([2, 5, 4], 'x') as tf.Tensor3D;
    const all = tf.slice(block.forward(x), [0, 3, 0], [2, 2, 4]);
    expect(difference(block.forward(x, { targets: 2 }), all)).toBeLessThan(1e-6);
    const mask = causal(5, 5);
    const masked = tf.slice(block.forward(x, { mask }), [0, 3, 0], [2, 2, 4]);
    expect(difference(block.forward(x, { mask, targets: 2 }), masked)).toBeLessThan(1e-6);
  });
});

describe('KeyValueCache', () => {
  const block = new TransformerBlock({ size: 4, heads: 2, key });
  const x = values([2, 5, 4], 'x') as tf.Tensor3D;
  const shape = { layers: 1, batch: 2, capacity: 6, heads: 2, size: 2 };
  const feed = (cache: KeyValueCache, from: number, count: number) => {
    const part = tf.slice(x, [0, from, 0], [2, count, 4]);
    const mask = causal(count, from + count);
    const y = block.forward(part, { mask, cache: cache.layer(0, count) });
    cache.advance(count);
    return y;
  };
  it('gives token by token what one pass gives, also after truncation and selection', () => {
    const before = tf.memory().numTensors;
    const cache = new KeyValueCache(shape);
    tf.tidy(() => {
      const whole = block.forward(x, { mask: causal(5, 5) });
      const parts = [feed(cache, 0, 2), feed(cache, 2, 1), feed(cache, 3, 1), feed(cache, 4, 1)];
      expect(difference(tf.concat(parts, 1), whole)).toBeLessThan(1e-5);
      cache.truncate(3);
      expect(difference(feed(cache, 3, 2), tf.slice(whole, [0, 3, 0], [2, 2, 4]))).toBeLessThan(1e-5);
      const swapped = cache.select([1, 0, 1]);
      const held = tf.gather(cache.held(0).key, tf.tensor1d([1, 0, 1], 'int32'));
      expect(difference(swapped.held(0).key, held)).toBe(0);
      swapped.dispose();
    });
    cache.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
  it('refuses more than it has room for', () => {
    const cache = new KeyValueCache({ ...shape, capacity: 1 });
    const fresh = values([2, 2, 2, 2], 'k') as tf.Tensor4D;
    expect(() => cache.append(0, { key: fresh, value: fresh })).toThrow(StorageError);
    expect(() => cache.layer(0, 2)).toThrow(StorageError);
    cache.dispose();
  });
});
