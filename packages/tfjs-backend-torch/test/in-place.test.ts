import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adamWStep, setThreads } from '../src/index.ts';
import { distance, numbers, random, run, runAll, useTorch, values } from './torch.ts';

beforeAll(useTorch);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const settings = {
  learningRate: 0.1,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  gradientScale: 0.5,
};

describe('AdamWStep', () => {
  it('takes three steps of the textbook formula, in place, over a list of parameters', () => {
    const starts = [numbers(5, 1), numbers(20_000, 2)];
    const params = starts.map((start) => run('Copy', { x: tf.tensor1d(start) }));
    const firstMoments = params.map((p) => tf.zerosLike(p));
    const secondMoments = params.map((p) => tf.zerosLike(p));
    const expected = starts.map((start) => start.map((p) => ({ p, m: 0, v: 0 })));
    for (let step = 1; step <= 3; step++) {
      const slopes = starts.map((start, i) => numbers(start.length, 10 * step + i));
      const grads = slopes.map((s) => tf.tensor1d(s));
      adamWStep({ params, grads, firstMoments, secondMoments }, { ...settings, step });
      expected.forEach((list, i) => {
        list.forEach((state, j) => {
          const g = slopes[i]![j]! * 0.5;
          state.p *= 1 - 0.1 * 0.01;
          state.m = 0.9 * state.m + 0.1 * g;
          state.v = 0.99 * state.v + 0.01 * g * g;
          const spread = Math.sqrt(state.v / (1 - 0.99 ** step)) + 1e-8;
          state.p -= (0.1 * state.m) / (1 - 0.9 ** step) / spread;
        });
      });
    }
    params.forEach((p, i) => {
      expect(
        distance(
          values(p),
          expected[i]!.map((state) => state.p),
        ),
      ).toBeLessThan(1e-5);
    });
  });

  it('shows in tensors that share the storage and not in a Copy', () => {
    const param = tf.tensor1d([1, 2]);
    const shared = tf.clone(param);
    const own = run('Copy', { x: param });
    const zeros = () => [tf.zeros([2])];
    const grads = [tf.tensor1d([1, 1])];
    adamWStep(
      { params: [param], grads, firstMoments: zeros(), secondMoments: zeros() },
      { ...settings, step: 1 },
    );
    expect(values(shared)).toEqual(values(param));
    expect(values(own)).toEqual([1, 2]);
    expect(values(param)).not.toEqual([1, 2]);
  });

  it('refuses strided targets and lists that do not fit, naming the shapes', () => {
    const params = [tf.transpose(random([2, 3], 1))];
    const like = [tf.zeros([3, 2])];
    const tensors = { params, grads: like, firstMoments: like, secondMoments: like };
    expect(() => adamWStep(tensors, { ...settings, step: 1 })).toThrow(/adamw: .*strided.*float32 \[3,2\]/);
    expect(() => adamWStep({ ...tensors, params: like, grads: [] }, { ...settings, step: 1 })).toThrow(
      /0 gradient for 1/,
    );
  });
});

describe('GlobalNorm', () => {
  it('is the Euclidean norm over all tensors, the same on any number of threads', () => {
    const lists = [numbers(30_001, 1), numbers(7, 2)];
    const exact = Math.sqrt(lists.flat().reduce((sum, x) => sum + x * x, 0));
    const tensors = lists.map((list) => tf.tensor1d(list));
    const two = values(run('GlobalNorm', { tensors }))[0]!;
    setThreads(1);
    const one = values(run('GlobalNorm', { tensors }))[0]!;
    setThreads(2);
    expect(one).toBe(two);
    expect(Math.abs(one / exact - 1)).toBeLessThan(1e-6);
  });
});

describe('SquaredNorm', () => {
  it('is the sum of squares with as many digits as a double has, on any number of threads', () => {
    const lists = [numbers(30_001, 1), numbers(7, 2)].map((list) => list.map(Math.fround));
    const exact = lists.flat().reduce((sum, x) => sum + x * x, 0);
    const tensors = lists.map((list) => tf.tensor1d(list));
    const two = values(run('SquaredNorm', { tensors }));
    setThreads(1);
    expect(values(run('SquaredNorm', { tensors }))).toEqual(two);
    setThreads(2);
    expect(two[0]).toBe(Math.fround(exact));
    expect(Math.abs((two[0]! + two[1]!) / exact - 1)).toBeLessThan(1e-13);
  });
});

describe('ClipGlobalNorm', () => {
  const clip = (tensors: tf.Tensor[], limit: number) =>
    runAll('ClipGlobalNorm', { tensors }, { limit }).map(values);

  it('brings tensors down to the limit and leaves the originals, shared ones too', () => {
    const tensors = [tf.tensor1d([3, 0]), tf.tensor2d([[4]])];
    const [norm, ...clipped] = clip([...tensors, tf.clone(tensors[0]!)], 1);
    expect(norm![0]).toBeCloseTo(Math.sqrt(34), 5); // 9 + 16 + 9
    clipped.forEach((list, i) => {
      expect(
        distance(
          list,
          [[3, 0], [4], [3, 0]][i]!.map((x) => x / Math.sqrt(34)),
        ),
      ).toBeLessThan(1e-5);
    });
    expect(values(tensors[0]!)).toEqual([3, 0]);
  });

  it('changes nothing below the limit or where the norm is not finite', () => {
    expect(clip([tf.tensor1d([3, 4])], 6)).toEqual([[5], [3, 4]]);
    expect(clip([tf.tensor1d([3, Number.NaN])], 1)).toEqual([[Number.NaN], [3, Number.NaN]]);
    expect(clip([tf.tensor1d([Number.POSITIVE_INFINITY])], 1)[1]).toEqual([Number.POSITIVE_INFINITY]);
  });
});

describe('EmaStep and CacheWrite', () => {
  it('moves averages towards parameters in place', () => {
    const average = tf.tensor1d([1, 2]);
    tf.engine().runKernel('EmaStep', { averages: [average], params: [tf.tensor1d([3, 0])] } as never, {
      decay: 0.75,
    });
    expect(values(average)).toEqual([1.5, 1.5]); // 0.75 * 1 + 0.25 * 3, 0.75 * 2 + 0.25 * 0
  });

  it('writes rows into a cache at a position, through a view too, and refuses what does not fit', () => {
    const cache = tf.zeros([1, 4, 1, 2]);
    const rows = tf.tensor([1, 2, 3, 4], [1, 2, 1, 2]);
    const write = (position: number) => tf.engine().runKernel('CacheWrite', { cache, rows }, { position });
    write(1);
    expect(values(cache)).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
    expect(() => write(3)).toThrow(/cache_write: rows 3\.\.5 do not fit a cache of 4/);
    expect(values(cache)).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
  });

  it('assigns in place', () => {
    const target = tf.zeros([2]);
    tf.engine().runKernel('AssignInPlace', { target, source: tf.tensor1d([4, 5]) });
    expect(values(target)).toEqual([4, 5]);
  });
});
