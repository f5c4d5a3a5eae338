import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import {
  cpsStep,
  odeStep,
  sdeStep,
  stochasticStep,
  transitionLogProb,
  transitionMean,
} from '../src/index.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

interface Case {
  readonly name: string;
  readonly sde_type: 'sde' | 'cps';
  readonly noise_level: number;
  readonly step: number;
  readonly sigma: number;
  readonly sigma_prev: number;
  readonly sigma_max: number;
  readonly std: number;
}

const { cases } = readConfig<{ readonly cases: readonly Case[] }>('flow_grpo_sde');
const file = openTensors('flow_grpo_sde');

const stepOf = (found: Case) =>
  stochasticStep(
    { sigma: found.sigma, next: found.sigma_prev, second: found.sigma_max },
    { kind: found.sde_type, eta: found.noise_level },
  );

describe.each(engines)('Flow-GRPO transitions on %s', (engine) => {
  beforeAll(() => useTestEngine(engine));

  it.each(cases.map((found) => [found.name, found] as const))(
    '%s: step, log-probability, gradient',
    async (name, found) => {
      const input = (key: string) => file.tensor(`in.step${found.step}.${key}`);
      const close = async (tensor: tf.Tensor, key: string, tolerance: number) =>
        expect(deviation(await tensor.data(), file.values(`${name}.${key}`)), key).toBeLessThan(tolerance);
      const step = stepOf(found);
      expect(Math.abs(step.std - found.std)).toBeLessThan(2e-6);

      const mean = transitionMean(step, input('sample'), input('model_output'));
      await close(mean, 'mean', 2e-6);
      const to = tf.add(mean, tf.mul(input('noise'), step.deviation));
      await close(to, 'prev_sample', 2e-6);
      await close(transitionLogProb(step, found.sde_type, { mean, to }), 'log_prob', 1e-5);

      const stored = file.tensor(`${name}.prev_sample`);
      const score = (velocity: tf.Tensor) =>
        transitionLogProb(step, found.sde_type, {
          mean: transitionMean(step, input('sample'), velocity),
          to: stored,
        });
      await close(score(input('model_output_new')), 'new.log_prob', 1e-5);
      const gradient = tf.grad((velocity) => tf.sum(score(velocity as tf.Tensor)))(input('model_output_new'));
      await close(gradient, 'new.grad_model_output', 2e-6);
    },
  );

  it('gives the log-density of a Gaussian (hand-worked)', async () => {
    // s = 0.5, x' - mean = [0.5, -1]: mean of squares 0.625, -0.625 / 0.5 - log 0.5 - 0.918939 = -1.475792.
    const step = { dt: -1, latent: 1, velocity: 0, std: 0.5, deviation: 0.5 };
    const [mean, to] = [tf.tensor2d([[0, 1]]), tf.tensor2d([[0.5, 0]])];
    expect((await transitionLogProb(step, 'sde', { mean, to }).data())[0]).toBeCloseTo(-1.475792, 5);
    expect((await transitionLogProb(step, 'cps', { mean, to }).data())[0]).toBeCloseTo(-0.625, 6);
  });
});

describe('coefficients', () => {
  const levels = { sigma: 0.75, next: 0.5, second: 0.75 };

  it('are those of the Euler step without noise', () => {
    const ode = odeStep(levels);
    expect(sdeStep(levels, 0)).toEqual({ ...ode, deviation: 0 });
    const cps = cpsStep(levels, 0);
    expect(cps.latent).toBeCloseTo(ode.latent, 12);
    expect(cps.velocity).toBeCloseTo(ode.velocity, 12);
    expect(cps.deviation).toBe(0);
  });

  it('follow method section 5 (hand-worked)', () => {
    // SDE: std = 0.7 sqrt(0.75 / 0.25) = 1.212436, std^2 / 1.5 = 0.98, dt = -0.25.
    const sde = sdeStep(levels, 0.7);
    expect(sde.std).toBeCloseTo(1.212436, 6);
    expect(sde.latent).toBeCloseTo(1 - 0.98 * 0.25, 12);
    expect(sde.velocity).toBeCloseTo(-(1 + 0.98 * 0.25) * 0.25, 12);
    expect(sde.deviation).toBeCloseTo(1.212436 * 0.5, 6);
    // CPS with eta 1/3: std = 0.5 sin 30 deg = 0.25, rest = sqrt(0.25 - 0.0625) = 0.4330127.
    const cps = cpsStep(levels, 1 / 3);
    expect(cps.std).toBeCloseTo(0.25, 12);
    expect(cps.latent).toBeCloseTo(0.5 + 0.4330127, 6);
    expect(cps.velocity).toBeCloseTo(0.25 * 0.4330127 - 0.75 * 0.5, 6);
  });

  it('use the second level where the first is 1', () => {
    expect(sdeStep({ sigma: 1, next: 0.75, second: 0.75 }, 1).std).toBeCloseTo(2, 12);
  });
});
