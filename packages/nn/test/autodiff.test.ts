import * as tf from '@tensorflow/tfjs-core';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  checkpoint,
  gradients,
  noGrad,
  StorageError,
  TransformerBlock,
  WeightSnapshot,
} from '../src/index.ts';
import { difference, useCpu, values } from './engine.ts';

await useCpu();

const scalar = (x: tf.Tensor) => tf.sum(x) as tf.Scalar;

describe('gradients', () => {
  it('returns loss, stats and gradients of one evaluation and frees the rest', () => {
    const w = tf.variable(tf.tensor1d([1, 2]));
    const unused = tf.variable(tf.tensor1d([1]));
    const before = tf.memory().numTensors;
    let evaluations = 0;
    const result = gradients(
      () => {
        evaluations++;
        const square = tf.square(w);
        return { loss: scalar(square), stats: { largest: tf.max(square) } };
      },
      new Map([
        ['w', w],
        ['unused', unused],
      ]),
    );
    expect(evaluations).toBe(1);
    expect(result.loss.dataSync()[0]).toBe(5);
    expect(result.stats.largest.dataSync()[0]).toBe(4);
    expect([...result.gradients.keys()]).toEqual(['w']);
    expect([...result.gradients.get('w')!.dataSync()]).toEqual([2, 4]);
    expect(tf.memory().numTensors).toBe(before + 3);
    result.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('noGrad', () => {
  it('makes a constant of what it computes, also of gradients taken inside', () => {
    const w = tf.variable(tf.scalar(3));
    const { grads } = tf.variableGrads(() => {
      const constant = noGrad(() => {
        const inner = gradients(() => ({ loss: scalar(tf.square(w)) }), new Map([['w', w]]));
        return inner.gradients.get('w')!;
      });
      return scalar(tf.mul(w, constant));
    }, [w]);
    expect(grads[w.name]!.dataSync()[0]).toBe(6);
  });
});

describe('checkpoint', () => {
  it('keeps constants that are made inside the differentiated function', () => {
    const w = tf.variable(tf.tensor1d([2, 3]));
    const result = gradients(
      () => {
        const factors = tf.add(tf.tensor1d([1, 2]), 1);
        const fn = (x: tf.Tensor, constant?: tf.Tensor) => tf.mul(tf.square(x), constant!);
        return { loss: scalar(checkpoint(fn, [], [factors])(w)) };
      },
      new Map([['w', w]]),
    );
    expect([...result.gradients.get('w')!.dataSync()]).toEqual([8, 18]);
    result.dispose();
  });

  it('has exactly the values and gradients of the plain function, twice over, and leaks nothing', () => {
    const blocks = [1, 2].map((seed) => new TransformerBlock({ size: 4, heads: 2, key: Key.of(seed) }));
    const x = tf.variable(values([2, 3, 4], 'x')) as tf.Variable<tf.Rank.R3>;
    const variables = blocks.flatMap((block) => [...block.parameters().values()]);
    const parameters = new Map([x as tf.Variable, ...variables].map((variable, i) => [`p${i}`, variable]));
    const plain = () => scalar(tf.square(blocks[1]!.forward(blocks[0]!.forward(x))));
    const remembering = blocks.map((block) =>
      checkpoint((input) => block.forward(input as tf.Tensor3D), [...block.parameters().values()]),
    );
    const thrifty = () => scalar(tf.square(remembering[1]!(remembering[0]!(x))));
    const a = gradients(() => ({ loss: plain() }), parameters);
    const before = tf.memory().numTensors;
    const b = gradients(() => ({ loss: thrifty() }), parameters);
    expect(b.loss.dataSync()[0]).toBe(a.loss.dataSync()[0]);
    expect([...b.gradients.keys()]).toEqual([...a.gradients.keys()]);
    for (const [name, gradient] of a.gradients)
      expect([...b.gradients.get(name)!.dataSync()]).toEqual([...gradient.dataSync()]);
    b.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('WeightSnapshot', () => {
  it('lends its values and gives the present ones back, also after an error', () => {
    const w = tf.variable(tf.tensor1d([1, 2]));
    const before = tf.memory().numTensors;
    const snapshot = new WeightSnapshot(new Map([['w', w]]));
    tf.tidy(() => w.assign(tf.tensor1d([5, 6])));
    expect([...snapshot.during(() => w.dataSync())]).toEqual([1, 2]);
    expect([...w.dataSync()]).toEqual([5, 6]);
    expect(() =>
      snapshot.during(() => {
        throw new RangeError('broken');
      }),
    ).toThrow(RangeError);
    expect([...w.dataSync()]).toEqual([5, 6]);
    expect(() => snapshot.during(async () => 1)).toThrow(StorageError);
    expect([...w.dataSync()]).toEqual([5, 6]);
    expect([...snapshot.values().get('w')!.dataSync()]).toEqual([1, 2]);
    snapshot.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is a constant inside noGrad and changes no gradient around it', () => {
    const w = tf.variable(tf.scalar(2));
    const snapshot = new WeightSnapshot(new Map([['w', w]]));
    w.assign(tf.scalar(3));
    const { grads } = tf.variableGrads(() => {
      const reference = noGrad(() => snapshot.during(() => tf.square(w)));
      return scalar(tf.mul(tf.square(w), reference));
    }, [w]);
    expect(grads[w.name]!.dataSync()[0]).toBe(24);
    expect(difference(w, tf.scalar(3))).toBe(0);
    snapshot.dispose();
  });
});
