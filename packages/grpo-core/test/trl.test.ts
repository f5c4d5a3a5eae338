import * as tf from '@tensorflow/tfjs-core';
import { tokenLogProbs } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import {
  highEntropyTokens,
  klEstimate,
  scaleAdvantages,
  scaleEachReward,
  sequenceRatio,
  type TokenBatch,
  type TokenObjective,
  tokenLoss,
  tokenRatio,
  tokenStatistics,
  weightRewards,
} from '../src/index.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

interface Case {
  readonly name: string;
  readonly tag: string;
  readonly loss_type: NonNullable<TokenObjective['aggregation']>;
  readonly beta: number;
  readonly epsilon_low: number;
  readonly epsilon_high: number;
  readonly importance_sampling_level: 'token' | 'sequence';
  readonly no_old_logps: boolean;
  readonly rows: number;
  readonly loss: number;
  readonly delta?: number;
  readonly use_bias_correction_kl?: boolean;
  readonly top_entropy_quantile?: number;
  readonly current_gradient_accumulation_steps?: number;
  readonly metrics: Readonly<Record<string, number>>;
}

interface Config {
  readonly temperature: number;
  readonly max_completion_length_for_dr_grpo: number;
  readonly num_items_in_batch: number;
  readonly cases: readonly Case[];
  readonly rewards: Readonly<Record<string, readonly (readonly (number | null)[])[]>>;
  readonly advantages: readonly {
    readonly name: string;
    readonly rewards: string;
    readonly aggregation: string;
    readonly scale_rewards: 'group' | 'batch' | 'none';
    readonly num_generations: number;
    readonly reward_weights: readonly number[];
    readonly advantages: readonly number[];
  }[];
}

const config = readConfig<Config>('trl_grpo');
const file = openTensors('trl_grpo');

function rows<T extends tf.Tensor>(key: string, count: number): T {
  return tf.slice(file.tensor(key), 0, count) as T;
}

function batchOf(found: Case): TokenBatch {
  const mask = rows<tf.Tensor2D>('completion_mask', found.rows);
  return {
    logProbs: rows<tf.Tensor2D>('per_token_logps', found.rows),
    oldLogProbs: found.no_old_logps ? undefined : rows<tf.Tensor2D>('old_per_token_logps', found.rows),
    referenceLogProbs: found.beta === 0 ? undefined : rows<tf.Tensor2D>('ref_per_token_logps', found.rows),
    advantages: rows<tf.Tensor1D>('advantages', found.rows),
    mask,
    selection:
      found.top_entropy_quantile === undefined
        ? undefined
        : highEntropyTokens(rows('entropies', found.rows), mask, found.top_entropy_quantile),
  };
}

function objectiveOf(found: Case): TokenObjective {
  return {
    aggregation: found.loss_type,
    ratio: found.importance_sampling_level,
    epsilonLow: found.epsilon_low,
    epsilonHigh: found.epsilon_high,
    beta: found.beta,
    klImportance: found.use_bias_correction_kl ?? false,
    accumulationSteps: found.current_gradient_accumulation_steps ?? 1,
    activeTokens: config.num_items_in_batch,
    maximumTokens: config.max_completion_length_for_dr_grpo,
    ...(found.delta === undefined ? {} : { delta: found.delta }),
  };
}

describe.each(engines)('TRL reference on %s', (engine) => {
  beforeAll(() => useTestEngine(engine));

  it.each(config.cases.map((found) => [found.name, found.tag, found] as const))(
    '%s (%s): loss, gradient and metrics',
    async (name, _tag, found) => {
      const { logProbs, ...rest } = batchOf(found);
      const objective = objectiveOf(found);
      const scored = tf.valueAndGrad((x) => tokenLoss({ ...rest, logProbs: x as tf.Tensor2D }, objective))(
        logProbs,
      );
      expect(Math.abs((await scored.value.data())[0]! - found.loss)).toBeLessThan(1e-6);
      const gradient = await scored.grad.data();
      expect(deviation(gradient, file.values(`${name}.grad_per_token_logps`))).toBeLessThan(1e-6);

      const entropies = rows<tf.Tensor2D>('entropies', found.rows);
      const statistics = await tokenStatistics({ ...rest, logProbs }, objective, entropies);
      const named: Readonly<Record<string, number | null>> = {
        kl: statistics.kl,
        entropy: statistics.entropy,
        cispo_clip_ratio: statistics.clipHigh,
        'clip_ratio/low_mean': statistics.clipLow,
        'clip_ratio/high_mean': statistics.clipHigh,
        'clip_ratio/region_mean': statistics.clipFraction,
        'clip_ratio/low_min': statistics.clipLowMinimum,
        'clip_ratio/high_max': statistics.clipHighMaximum,
      };
      for (const [metric, value] of Object.entries(found.metrics))
        expect(Math.abs(named[metric]! - value), metric).toBeLessThan(1e-6);
    },
  );

  it('ratios and k3', async () => {
    const [logProbs, old, reference] = ['per_token_logps', 'old_per_token_logps', 'ref_per_token_logps'].map(
      (key) => file.tensor(key) as tf.Tensor2D,
    );
    const mask = file.tensor('completion_mask') as tf.Tensor2D;
    const close = async (tensor: tf.Tensor, key: string) =>
      expect(deviation(await tensor.data(), file.values(key))).toBeLessThan(1e-6);
    await close(tokenRatio(logProbs!, old!), 'token_ratio');
    await close(sequenceRatio(logProbs!, old!, mask), 'sequence_ratio');
    await close(klEstimate(logProbs!, reference!), 'kl_k3');
  });

  it('gradient by the logits', async () => {
    const found = config.cases.find(
      (c) => c.loss_type === 'dapo' && c.beta === 0.04 && c.epsilon_high === 0.28,
    )!;
    const logits = file.tensor('logits') as tf.Tensor3D;
    const [chains, tokens, vocabulary] = logits.shape;
    const ids = tf.cast(tf.reshape(file.tensor('completion_ids'), [-1]), 'int32') as tf.Tensor1D;
    const gradient = tf.grad((x) => {
      const scaled = tf.div(tf.reshape(x, [-1, vocabulary]), config.temperature) as tf.Tensor2D;
      const logProbs = tf.reshape(tokenLogProbs(scaled, ids).logProbs, [chains, tokens]) as tf.Tensor2D;
      return tokenLoss({ ...batchOf(found), logProbs }, objectiveOf(found));
    })(logits);
    expect(deviation(await gradient.data(), file.values('dapo_beta0.04_eh0.28.grad_logits'))).toBeLessThan(
      1e-6,
    );
  });
});

describe('TRL reference on the host', () => {
  it.each(config.advantages.map((found) => [found.name, found] as const))('%s', (_name, found) => {
    const rewards = config.rewards[found.rewards]!;
    const options = { groups: rewards.map((_, i) => Math.floor(i / found.num_generations)) };
    const advantages =
      found.aggregation === 'sum_then_normalize'
        ? scaleAdvantages(weightRewards(rewards, found.reward_weights), {
            ...options,
            scale: found.scale_rewards,
          })
        : scaleEachReward(rewards, found.reward_weights, options);
    expect(deviation(advantages, found.advantages)).toBeLessThan(1e-6);
  });
});
