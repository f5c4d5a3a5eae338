import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import {
  type FlowObjective,
  type FlowStep,
  flowKl,
  flowLoss,
  flowRatio,
  flowStatistics,
  scaleAdvantages,
} from '../src/index.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

interface Setting {
  readonly name: string;
  readonly clip_range: number;
  readonly beta: number;
  readonly adv_clip_max: number;
  readonly noise_level: number;
  readonly step: number;
  readonly policy_loss: number;
  readonly kl_loss: number;
  readonly loss: number;
  readonly approx_kl: number;
  readonly clipfrac: number;
  readonly clipfrac_gt_one: number;
  readonly clipfrac_lt_one: number;
}

interface Config {
  readonly cases: readonly { readonly step: number; readonly sigma: number; readonly sigma_prev: number }[];
  readonly grpo: readonly Setting[];
  readonly advantages: {
    readonly prompts: readonly string[];
    readonly rewards: readonly number[];
    readonly per_prompt_std: readonly number[];
    readonly global_std: readonly number[];
  };
}

const config = readConfig<Config>('flow_grpo_sde');
const file = openTensors('flow_grpo_sde', 'grpo.safetensors');

/** The SDE transition written out from the fixture's formulas, as a function of the model output. */
function transition(setting: Setting, velocity: tf.Tensor) {
  const { sigma, sigma_prev } = config.cases.find((found) => found.step === setting.step)!;
  const dt = sigma_prev - sigma;
  const std = Math.sqrt(sigma / (1 - sigma)) * setting.noise_level;
  const gain = (std * std) / (2 * sigma);
  const sample = file.tensor('in.sample');
  const mean = tf.add(tf.mul(sample, 1 + gain * dt), tf.mul(velocity, (1 + gain * (1 - sigma)) * dt));
  const deviationOfStep = std * Math.sqrt(-dt);
  const squares = tf.square(tf.sub(file.tensor('in.prev_sample'), mean));
  const constant = Math.log(deviationOfStep) + Math.log(Math.sqrt(2 * Math.PI));
  const logProb = tf.sub(tf.mul(tf.mean(squares, [1, 2]), -0.5 / deviationOfStep ** 2), constant);
  return { mean, logProb: logProb as tf.Tensor1D, std, deviation: deviationOfStep, dt };
}

function stepOf(setting: Setting, velocity: tf.Tensor): FlowStep {
  return {
    ...transition(setting, velocity),
    oldLogProb: file.tensor('in.old_log_prob') as tf.Tensor1D,
    advantages: file.tensor('in.advantages_raw') as tf.Tensor1D,
    referenceMean: file.tensor('out.mean_ref'),
  };
}

const objectiveOf = (setting: Setting): FlowObjective => ({
  clip: setting.clip_range,
  beta: setting.beta,
  advantageClamp: setting.adv_clip_max,
  varianceOf: 'flowGrpo',
});

describe.each(engines)('Flow-GRPO reference on %s', (engine) => {
  beforeAll(() => useTestEngine(engine));

  it.each(config.grpo.map((setting) => [setting.name, setting] as const))(
    '%s: loss, gradient and statistics',
    async (name, setting) => {
      const velocity = file.tensor('in.model_output_new');
      const objective = objectiveOf(setting);
      const scored = tf.valueAndGrad((x) => flowLoss(stepOf(setting, x as tf.Tensor), objective))(velocity);
      expect(Math.abs((await scored.value.data())[0]! - setting.loss)).toBeLessThan(2e-6);
      const gradient = await scored.grad.data();
      expect(deviation(gradient, file.values(`${name}.grad_model_output_new`))).toBeLessThan(2e-6);

      const statistics = await flowStatistics(stepOf(setting, velocity), objective);
      expect(statistics.clipFraction).toBeCloseTo(setting.clipfrac, 6);
      expect(statistics.clipHigh).toBeCloseTo(setting.clipfrac_gt_one, 6);
      expect(statistics.clipLow).toBeCloseTo(setting.clipfrac_lt_one, 6);
      expect(Math.abs(statistics.approximateKl - setting.approx_kl)).toBeLessThan(1e-8);
      expect(Math.abs(statistics.kl! - setting.kl_loss)).toBeLessThan(1e-7);
    },
  );

  it('ratio and KL per sample', async () => {
    const step = stepOf(config.grpo[0]!, file.tensor('in.model_output_new'));
    expect(deviation(await flowRatio(step).data(), file.values('out.ratio'))).toBeLessThan(2e-6);
    const kl = await flowKl(step, 'flowGrpo').data();
    expect(deviation(kl, file.values('out.kl_per_sample'))).toBeLessThan(2e-6);
  });
});

it.each([['per_prompt_std', 'group'] as const, ['global_std', 'batch'] as const])(
  'advantages with %s',
  (name, scale) => {
    const { prompts, rewards, ...expected } = config.advantages;
    const advantages = scaleAdvantages(rewards, { groups: prompts, scale, deviation: 'population' });
    expect(deviation(advantages, expected[name])).toBeLessThan(1e-9);
  },
);
