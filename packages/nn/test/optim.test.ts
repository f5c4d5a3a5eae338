import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  AdamW,
  clipScale,
  downloadParameters,
  ExponentialAverage,
  globalNorm,
  ParameterMismatchError,
  warmupFlatLinear,
} from '../src/index.ts';
import { useCpu } from './engine.ts';

await useCpu();

const gradient = (...numbers: number[]) => new Map([['w', tf.tensor1d(numbers)]]);

describe('AdamW', () => {
  it('takes the steps worked by hand', () => {
    // lr 0.1, betas 0.9 and 0.99, decay 0.5, gradients 2 then -1 scaled by 0.5: g = 1, -0.5.
    // Step 1: w = 1 - 0.05 = 0.95; m = 0.1, v = 0.01; m/(1-0.9) = 1, sqrt(v/(1-0.99)) = 1; w = 0.95 - 0.1 = 0.85.
    // Step 2: w = 0.85 * 0.95 = 0.8075; m = 0.09 - 0.05 = 0.04, /0.19 = 0.2105263; v = 0.0099 + 0.0025 = 0.0124,
    // /0.0199 = 0.6231156, sqrt = 0.7893767; w = 0.8075 - 0.1 * 0.2105263 / 0.7893767 = 0.7808303.
    const w = tf.variable(tf.tensor1d([1]));
    const optimizer = AdamW.create({
      parameters: new Map([['w', w]]),
      learningRate: 0.1,
      beta2: 0.99,
      weightDecay: 0.5,
    });
    optimizer.step(gradient(2), { gradientScale: 0.5 });
    expect(w.dataSync()[0]).toBeCloseTo(0.85, 5);
    optimizer.step(gradient(-1), { gradientScale: 0.5 });
    expect(w.dataSync()[0]).toBeCloseTo(0.7808303, 5);
  });

  it('takes its learning rate from a schedule over the steps taken', () => {
    // Gradients are 1 throughout, so that every step moves by the rate of the moment: 0.4, then half of that, then none.
    const w = tf.variable(tf.tensor1d([1]));
    const learningRate = warmupFlatLinear({ peak: 0.4, total: 2 });
    const optimizer = AdamW.create({ parameters: new Map([['w', w]]), learningRate, weightDecay: 0 });
    const after = [0.6, 0.4, 0.4].map((expected) => {
      optimizer.step(gradient(1));
      return [w.dataSync()[0]!, expected] as const;
    });
    for (const [value, expected] of after) expect(value).toBeCloseTo(expected, 5);
  });

  it('leaves parameters without a gradient alone and frees what it uses', () => {
    const [w, other] = [tf.variable(tf.tensor1d([1, 1])), tf.variable(tf.tensor1d([7]))];
    const before = tf.memory().numTensors;
    const optimizer = AdamW.create({
      parameters: new Map([
        ['w', w],
        ['other', other],
      ]),
      learningRate: 0.1,
    });
    const slope = gradient(1, 1);
    for (let i = 0; i < 3; i++) optimizer.step(slope);
    expect(other.dataSync()[0]).toBe(7);
    optimizer.dispose();
    tf.dispose([...slope.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('continues from a saved state as if it had never stopped', async () => {
    const make = () => {
      const w = tf.variable(tf.tensor1d([1, -1]));
      return { w, optimizer: AdamW.create({ parameters: new Map([['w', w]]), learningRate: 0.1 }) };
    };
    const [through, stopped, resumed] = [make(), make(), make()];
    for (const slope of [gradient(1, 2), gradient(-3, 1)]) through.optimizer.step(slope);
    stopped.optimizer.step(gradient(1, 2));
    const { step, moments } = stopped.optimizer.state();
    resumed.optimizer.load(step, await downloadParameters(moments));
    resumed.w.assign(stopped.w);
    resumed.optimizer.step(gradient(-3, 1));
    expect([...resumed.w.dataSync()]).toEqual([...through.w.dataSync()]);
    expect(() => resumed.optimizer.load(1, new Map())).toThrow(ParameterMismatchError);
  });

  it.each([
    { learningRate: -1 },
    { learningRate: 1, beta1: 1 },
    { learningRate: 1, weightDecay: Number.NaN },
  ])('refuses %j', (settings) => {
    expect(() => AdamW.create({ parameters: new Map(), ...settings })).toThrow(ConfigError);
  });
});

describe('the rest of a training step', () => {
  it('norm of (3, 4) and (12) is 13, clipped to 1 by 1/13', () => {
    const norm = globalNorm([tf.tensor1d([3, 4]), tf.tensor2d([[12]])]).dataSync()[0]!;
    expect(norm).toBeCloseTo(13, 5);
    expect(clipScale(norm, 1)).toBeCloseTo(1 / 13, 6);
    expect(clipScale(0.5, 1)).toBe(1);
    expect(globalNorm([]).dataSync()[0]).toBe(0);
  });

  it('moving average: 0.9 * 1 + 0.1 * 2 = 1.1, then 0.9 * 1.1 + 0.1 * 2 = 1.19', () => {
    const w = tf.variable(tf.scalar(1));
    const average = new ExponentialAverage(new Map([['w', w]]));
    w.assign(tf.scalar(2));
    average.update(0.9);
    expect(average.values().get('w')!.dataSync()[0]).toBeCloseTo(1.1, 6);
    average.update(0.9);
    expect(average.values().get('w')!.dataSync()[0]).toBeCloseTo(1.19, 6);
    expect(w.dataSync()[0]).toBe(2);
  });

  it('learning rate: warm-up, flat, then a line to the floor', () => {
    const rate = warmupFlatLinear({ peak: 1, total: 20, warmup: 4, flat: 10, floor: 0.1 });
    expect([0, 1, 3, 4, 10].map(rate)).toEqual([0.25, 0.5, 1, 1, 1]);
    expect(rate(15)).toBeCloseTo(0.5);
    expect(rate(20)).toBeCloseTo(0.1);
    expect(() => warmupFlatLinear({ peak: 1, total: 0 })).toThrow(ConfigError);
    expect(() => warmupFlatLinear({ peak: 1, total: 5, flat: 5 })).toThrow(ConfigError);
  });
});
