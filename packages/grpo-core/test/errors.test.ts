import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type FlowObjective,
  type FlowStep,
  flowLoss,
  flowStatistics,
  forwardProcessLoss,
  highEntropyTokens,
  scaleAdvantages,
  type TokenBatch,
  type TokenObjective,
  tokenLoss,
  tokenStatistics,
  weightRewards,
} from '../src/index.ts';
import { useTestEngine } from './engines.ts';

beforeAll(() => useTestEngine('cpu'));

const problem = (code: string, field: string) => expect.objectContaining({ code, field });

describe('token loss', () => {
  const batch = (changed: Partial<TokenBatch> = {}): TokenBatch => ({
    logProbs: tf.tensor2d([
      [-1, -2],
      [-1, -1],
    ]),
    advantages: tf.tensor1d([1, -1]),
    mask: tf.tensor2d([
      [1, 1],
      [1, 0],
    ]),
    ...changed,
  });

  it.each([
    ['logProbs', 'GRPO_EMPTY', () => ({ logProbs: tf.zeros([0, 2]) as tf.Tensor2D })],
    ['oldLogProbs', 'GRPO_SHAPE', () => ({ oldLogProbs: tf.zeros([2, 3]) as tf.Tensor2D })],
    ['referenceLogProbs', 'GRPO_SHAPE', () => ({ referenceLogProbs: tf.zeros([1, 2]) as tf.Tensor2D })],
    ['mask', 'GRPO_SHAPE', () => ({ mask: tf.ones([2, 1]) as tf.Tensor2D })],
    [
      'mask[1]',
      'GRPO_EMPTY',
      () => ({
        mask: tf.tensor2d([
          [1, 1],
          [0, 0],
        ]),
      }),
    ],
    ['advantages', 'GRPO_SHAPE', () => ({ advantages: tf.tensor1d([1, 2, 3]) })],
    ['advantages[1]', 'GRPO_NOT_FINITE', () => ({ advantages: tf.tensor1d([1, Number.NaN]) })],
    ['selection', 'GRPO_SHAPE', () => ({ selection: tf.ones([2, 1]) as tf.Tensor2D })],
  ] as const)('names %s', async (field, code, changed) => {
    expect(() => tokenLoss(batch(changed()))).toThrow(problem(code, field));
    await expect(tokenStatistics(batch(changed()))).rejects.toThrow(problem(code, field));
  });

  it('asks for the reference when beta is set', () => {
    expect(() => tokenLoss(batch(), { beta: 0.1 })).toThrow(problem('GRPO_MISSING', 'referenceLogProbs'));
  });

  it.each<[keyof TokenObjective, TokenObjective]>([
    ['epsilonLow', { epsilonLow: -1 }],
    ['epsilonHigh', { epsilonHigh: Number.NaN }],
    ['beta', { beta: -0.1 }],
    ['delta', { delta: 1.1 }],
    ['chains', { chains: 0 }],
    ['activeTokens', { activeTokens: -3 }],
    ['accumulationSteps', { accumulationSteps: 0 }],
  ])('names the option %s', (field, objective) => {
    expect(() => tokenLoss(batch(), objective)).toThrow(problem('THINKRL_CONFIG', field));
  });
});

describe('flow loss', () => {
  const step = (changed: Partial<FlowStep> = {}): FlowStep => ({
    logProb: tf.tensor1d([-1, -2]),
    advantages: tf.tensor1d([1, -1]),
    ...changed,
  });

  it.each([
    ['logProb', 'GRPO_EMPTY', () => ({ logProb: tf.tensor1d([]) })],
    ['oldLogProb', 'GRPO_SHAPE', () => ({ oldLogProb: tf.tensor1d([1]) })],
    ['advantages', 'GRPO_SHAPE', () => ({ advantages: tf.tensor1d([1]) })],
    ['advantages[0]', 'GRPO_NOT_FINITE', () => ({ advantages: tf.tensor1d([Number.POSITIVE_INFINITY, 1]) })],
    ['referenceMean', 'GRPO_SHAPE', () => ({ mean: tf.zeros([2, 3]), referenceMean: tf.zeros([2, 2]) })],
  ] as const)('names %s', async (field, code, changed) => {
    expect(() => flowLoss(step(changed()))).toThrow(problem(code, field));
    await expect(flowStatistics(step(changed()))).rejects.toThrow(problem(code, field));
  });

  it('asks for what the objective needs', () => {
    const means = { mean: tf.zeros([2, 3]), referenceMean: tf.zeros([2, 3]) };
    expect(() => flowLoss(step(), { beta: 1 })).toThrow(problem('GRPO_MISSING', 'mean'));
    expect(() => flowLoss(step(means), { beta: 1 })).toThrow(problem('GRPO_MISSING', 'deviation'));
    expect(() => flowLoss(step(means), { beta: 1, varianceOf: 'flowGrpo' })).toThrow(
      problem('GRPO_MISSING', 'std'),
    );
    expect(() => flowLoss(step({ ...means, deviation: 1 }), { guard: true })).toThrow(
      problem('GRPO_MISSING', 'dt'),
    );
  });

  it.each<[keyof FlowObjective, FlowObjective]>([
    ['clip', { clip: -1 }],
    ['beta', { beta: Number.NaN }],
    ['advantageClamp', { advantageClamp: 0 }],
    ['edits', { edits: 0 }],
  ])('names the option %s', (field, objective) => {
    expect(() => flowLoss(step(), objective)).toThrow(problem('THINKRL_CONFIG', field));
  });

  it('checks the forward process', () => {
    const forward = {
      velocity: tf.zeros([2, 3]),
      oldVelocity: tf.zeros([2, 3]),
      target: tf.zeros([2, 3]),
      advantages: tf.tensor1d([1, 2]),
    };
    expect(() => forwardProcessLoss({ ...forward, target: tf.zeros([2, 2]) })).toThrow(
      problem('GRPO_SHAPE', 'target'),
    );
    expect(() => forwardProcessLoss({ ...forward, advantages: tf.tensor1d([1]) })).toThrow(
      problem('GRPO_SHAPE', 'advantages'),
    );
    expect(() => forwardProcessLoss(forward, { weighting: 'adaptive' })).toThrow(
      problem('GRPO_MISSING', 'sigma'),
    );
    expect(() => forwardProcessLoss(forward, { beta: 0 })).toThrow(problem('THINKRL_CONFIG', 'beta'));
  });
});

describe('host functions', () => {
  it('name the field', () => {
    expect(() => scaleAdvantages([], { groups: [] })).toThrow(problem('GRPO_EMPTY', 'rewards'));
    expect(() => scaleAdvantages([1], { groups: [] })).toThrow(problem('THINKRL_CONFIG', 'groups'));
    expect(() => scaleAdvantages([1, Number.NaN], { groups: [0, 0] })).toThrow(
      problem('GRPO_NOT_FINITE', 'rewards[1]'),
    );
    expect(() => weightRewards([[1]], [1, 1])).toThrow(problem('GRPO_SHAPE', 'rewards[0]'));
    const [entropies, mask] = [tf.ones([1, 2]) as tf.Tensor2D, tf.ones([1, 3]) as tf.Tensor2D];
    expect(() => highEntropyTokens(entropies, mask, 0.5)).toThrow(problem('GRPO_SHAPE', 'mask'));
    expect(() => highEntropyTokens(entropies, entropies, 0)).toThrow(problem('THINKRL_CONFIG', 'share'));
  });
});
