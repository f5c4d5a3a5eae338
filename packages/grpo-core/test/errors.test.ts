import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useTestEngine } from '../../nn/test/engines.ts';
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
    ['entropies', 'GRPO_SHAPE', () => ({ entropies: tf.ones([2, 1]) as tf.Tensor2D })],
    [
      'oldLogProbs[1]',
      'GRPO_NOT_FINITE',
      () => ({
        oldLogProbs: tf.tensor2d([
          [-1, Number.NEGATIVE_INFINITY],
          [-1, 0],
        ]),
      }),
    ],
  ] as const)('names %s', async (field, code, changed) => {
    expect(() => tokenLoss(batch(changed()))).toThrow(problem(code, field));
    await expect(tokenStatistics(batch(changed()))).rejects.toThrow(problem(code, field));
  });

  it('does not mind what stands where no token was sampled', () => {
    const oldLogProbs = tf.tensor2d([
      [-1, -2],
      [-1, Number.NEGATIVE_INFINITY],
    ]);
    expect(() => tokenLoss(batch({ oldLogProbs }))).not.toThrow();
  });

  it('asks for the entropies when they have a weight', () => {
    expect(() => tokenLoss(batch(), { entropyWeight: 0.1 })).toThrow(problem('GRPO_MISSING', 'entropies'));
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
    ['entropyWeight', { entropyWeight: -1 }],
    ['aggregation', { aggregation: 'ppo' as 'grpo' }],
    ['ratio', { ratio: 'word' as 'token' }],
    ['kl', { kl: 'k4' as 'k3' }],
  ])('names the option %s', (field, objective) => {
    expect(() => tokenLoss(batch(), objective)).toThrow(problem('THINKRL_CONFIG', field));
  });

  it('names the temperature', () => {
    const objective = { aggregation: 'sapo', gateTemperatures: { positive: 1, negative: 0 } } as const;
    expect(() => tokenLoss(batch(), objective)).toThrow(
      problem('THINKRL_CONFIG', 'gateTemperatures.negative'),
    );
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
    ['oldLogProb[1]', 'GRPO_NOT_FINITE', () => ({ oldLogProb: tf.tensor1d([1, Number.NaN]) })],
    ['std', 'GRPO_RANGE', () => ({ std: 0 })],
    ['deviation', 'GRPO_RANGE', () => ({ deviation: Number.NaN })],
    ['dt', 'GRPO_RANGE', () => ({ dt: 0.1 })],
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
    ['clipHigh', { clipHigh: Number.POSITIVE_INFINITY }],
    ['varianceOf', { varianceOf: 'step' as 'transition' }],
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
    expect(() => forwardProcessLoss(forward, { weighting: 'none' as 'plain' })).toThrow(
      problem('THINKRL_CONFIG', 'weighting'),
    );
    expect(() => forwardProcessLoss({ ...forward, sigma: 1.5 })).toThrow(problem('GRPO_RANGE', 'sigma'));
    const advantages = tf.tensor1d([1, Number.NaN]);
    expect(() => forwardProcessLoss({ ...forward, advantages })).toThrow(
      problem('GRPO_NOT_FINITE', 'advantages[1]'),
    );
  });
});

describe('host functions', () => {
  it('name the field', () => {
    expect(() => scaleAdvantages([], { groups: [] })).toThrow(problem('GRPO_EMPTY', 'rewards'));
    expect(() => scaleAdvantages([1], { groups: [] })).toThrow(problem('THINKRL_CONFIG', 'groups'));
    expect(() => scaleAdvantages([1, Number.NaN], { groups: [0, 0] })).toThrow(
      problem('GRPO_NOT_FINITE', 'rewards[1]'),
    );
    expect(() => scaleAdvantages([1], { groups: [0], scale: 'task' as 'group' })).toThrow(
      problem('THINKRL_CONFIG', 'scale'),
    );
    expect(() => weightRewards([[1]], [1, 1])).toThrow(problem('GRPO_SHAPE', 'rewards[0]'));
    expect(() => weightRewards([[1]], [Number.NaN])).toThrow(problem('THINKRL_CONFIG', 'weights[0]'));
    const [entropies, mask] = [tf.ones([1, 2]) as tf.Tensor2D, tf.ones([1, 3]) as tf.Tensor2D];
    expect(() => highEntropyTokens(entropies, mask, 0.5)).toThrow(problem('GRPO_SHAPE', 'mask'));
    expect(() => highEntropyTokens(entropies, entropies, 0)).toThrow(problem('THINKRL_CONFIG', 'share'));
  });
});
