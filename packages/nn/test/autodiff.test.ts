import * as tf from '@tensorflow/tfjs-core';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  checkpoint,
  enclose,
  gradients,
  noGrad,
  recomputing,
  StorageError,
  standInFor,
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

describe('enclose', () => {
  const v = (value: number) => tf.variable(tf.scalar(value));
  const numberIn = (tensor: tf.Tensor) => tensor.dataSync()[0];

  it('keeps gradients by its own variables and lets the others flow, by hand', () => {
    // y = a x², z = a + x inside; loss = 3 y + z b. At a 2, x 5, b 7: by a 3 x² + b = 82, by x 6 a x + b = 67, by b z = 7.
    const [a, x, b, anchor] = [v(2), v(5), v(7), v(0)];
    const own: number[] = [];
    const before = tf.memory().numTensors;
    const { loss, gradients: grads } = gradients(
      () => {
        const { y, z } = enclose({
          run: () => ({ y: tf.mul(a, tf.square(x)), z: tf.add(a, x) }),
          owned: new Set([a]),
          anchor,
          backward: (replay) => {
            for (const [variable, gradient] of replay()) {
              expect(variable).toBe(a);
              own.push(numberIn(gradient)!);
              gradient.dispose();
            }
          },
        });
        return { loss: scalar(tf.add(tf.mul(3, y), tf.mul(z, b))) };
      },
      new Map(Object.entries({ x, b, anchor })),
    );
    expect(own).toEqual([82]);
    expect([numberIn(loss), ...[...grads.values()].map(numberIn)]).toEqual([199, 67, 7, 0]);
    tf.dispose([loss, ...grads.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('asks for no gradient by what it is not differentiated by, such as one that an operation does not have', () => {
    const [a, anchor, table] = [v(3), v(0), tf.scalar(5)];
    const byTable = (x: tf.Tensor) =>
      (tf.engine() as unknown as { runKernelFunc(call: object): tf.Tensor }).runKernelFunc({
        inputs: { x, table },
        forwardFunc: () => tf.mul(x, table),
        backwardsFunc: (slope: tf.Tensor) => ({ x: () => tf.mul(slope, 5) }),
      });
    let own = 0;
    const { loss } = gradients(
      () => {
        const y = enclose({
          run: () => byTable(tf.square(a)),
          owned: new Set([a]),
          anchor,
          backward: (replay) => {
            for (const [, gradient] of replay()) own = numberIn(gradient)!;
          },
        });
        return { loss: scalar(y) };
      },
      new Map([['anchor', anchor]]),
    );
    expect([numberIn(loss), own]).toEqual([45, 30]);
  });

  it('nests, is reached by its anchor alone, and gives no gradient to what is not trainable', () => {
    const [outer, inner, anchor] = [v(3), v(4), v(0)];
    const frozen = tf.variable(tf.scalar(10), false);
    const own = new Map<tf.Variable, number>();
    const enclosed = (owned: tf.Variable, run: () => tf.Tensor) =>
      enclose({
        run,
        owned: new Set([owned]),
        anchor,
        backward: (replay) => {
          for (const [variable, gradient] of replay()) own.set(variable, numberIn(gradient)!);
        },
      });
    // (outer · inner²) · frozen: by outer 160, by inner 240.
    const result = gradients(
      () => ({
        loss: scalar(
          enclosed(outer, () => {
            const square = enclosed(inner, () => tf.square(inner));
            return tf.mul(tf.mul(outer, square), frozen);
          }),
        ),
      }),
      new Map([['anchor', anchor]]),
    );
    expect([own.get(outer), own.get(inner), own.get(frozen)]).toEqual([160, 240, undefined]);
    result.dispose();
  });

  it('frees what a backward pass that never comes would have used', () => {
    const [a, anchor] = [v(2), v(0)];
    const before = tf.memory().numTensors;
    const discards: (() => void)[] = [];
    const result = gradients(
      () => {
        enclose({
          run: () => tf.square(tf.square(a)),
          owned: new Set([a]),
          anchor,
          backward: () => expect.unreachable(),
          recorded: (discard) => discards.push(discard),
        });
        return { loss: scalar(tf.square(anchor)) };
      },
      new Map([['anchor', anchor]]),
    );
    result.dispose();
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    for (const discard of discards) discard();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('standInFor', () => {
  it('has checkpoint differentiate by the anchor in place of parameters that are kept elsewhere', () => {
    const [a, anchor] = [tf.variable(tf.scalar(2)), tf.variable(tf.scalar(0))];
    standInFor([a], anchor);
    let own: number | undefined;
    const square = () =>
      enclose({
        run: () => tf.square(a),
        owned: new Set([a]),
        anchor,
        backward: (replay) => {
          expect(recomputing()).toBe(true);
          own = replay().get(a)!.dataSync()[0];
        },
      });
    const result = gradients(
      () => ({ loss: scalar(checkpoint(square, [a])()) }),
      new Map([['anchor', anchor]]),
    );
    expect(own).toBe(4);
    expect(recomputing()).toBe(false);
    result.dispose();
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
