import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { useTestEngine } from '../../nn/test/engines.ts';
import { allButLast, createEditSampler, stochasticStep, uniformSigmas } from '../src/index.ts';
import { gaussianBackbone, identityCodec } from '../src/testing/index.ts';

const SAMPLES = 20_001;
const MEAN = 0.3;
const SPREAD = 0.5;

/** Mean and variance of the flow at noise level `sigma`: those of `(1 - sigma) x_0 + sigma noise`. */
function flowMoments(sigma: number) {
  return { mean: (1 - sigma) * MEAN, variance: (1 - sigma) ** 2 * SPREAD ** 2 + sigma ** 2 };
}

/** The field `v = slope (x - (1 - sigma) m) - m`, worked out by hand from E[noise | x] - E[x_0 | x]. */
function slopeOf(sigma: number): number {
  return (sigma - (1 - sigma) * SPREAD ** 2) / flowMoments(sigma).variance;
}

interface Setting {
  readonly steps: number;
  readonly kind: 'sde' | 'cps';
  readonly eta: number;
  /** Steps from higher noise levels are deterministic. */
  readonly below?: number;
}

function windowOf({ steps, below = 1 }: Setting): readonly number[] {
  const sigmas = uniformSigmas(steps);
  return allButLast(steps).filter((step) => sigmas[step]! <= below);
}

/** Exact moments of the discrete sampler: every step is affine in x with Gaussian noise. */
function discreteMoments(setting: Setting) {
  const { steps, kind, eta } = setting;
  const sigmas = uniformSigmas(steps);
  const window = new Set(windowOf(setting));
  const moments = [{ mean: 0, variance: 1 }];
  for (let i = 0; i < steps; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!];
    const step = stochasticStep({ sigma, next, second: sigmas[1]! }, { kind, eta: window.has(i) ? eta : 0 });
    const gain = step.latent + step.velocity * slopeOf(sigma);
    const offset = -step.velocity * MEAN * (slopeOf(sigma) * (1 - sigma) + 1);
    const { mean, variance } = moments[i]!;
    moments.push({ mean: gain * mean + offset, variance: gain * gain * variance + step.deviation ** 2 });
  }
  return moments;
}

/** Mean and variance of 20,001 samples at every noise level. */
async function sampledMoments(setting: Setting) {
  const data = new Float32Array(SAMPLES).fill(MEAN);
  const condition = { references: [{ width: SAMPLES / 3, height: 1, data }], text: 'paint' };
  const backbone = gaussianBackbone({ deviation: SPREAD });
  const { steps, eta, kind: transition } = setting;
  const sampler = createEditSampler({ backbone, codec: identityCodec, steps, eta, transition });
  const [edit] = await sampler.sample([condition], { keys: [Key.of(3)], stochastic: windowOf(setting) });
  return edit!.trajectory.states.map((state) => {
    const mean = state.reduce((sum, value) => sum + value, 0) / SAMPLES;
    return { mean, variance: state.reduce((sum, value) => sum + (value - mean) ** 2, 0) / SAMPLES };
  });
}

/**
 * Expects moments to be those given within 4.5 standard errors, sqrt(variance / n) of the mean and
 * variance sqrt(2 / n) of the variance, plus a share of the variance for what the step length leaves.
 */
function expectMoments(
  found: readonly { readonly mean: number; readonly variance: number }[],
  expected: readonly { readonly mean: number; readonly variance: number }[],
  discretisation = 0,
) {
  expected.forEach(({ mean, variance }, level) => {
    expect(Math.abs(found[level]!.mean - mean)).toBeLessThan(4.5 * Math.sqrt(variance / SAMPLES));
    const bound = 4.5 * variance * Math.sqrt(2 / SAMPLES) + discretisation * variance;
    expect(Math.abs(found[level]!.variance - variance)).toBeLessThan(bound);
  });
}

/** Largest relative error of the variance against the flow. */
function bias(setting: Setting): number {
  const sigmas = uniformSigmas(setting.steps);
  const errors = discreteMoments(setting).map(
    ({ variance }, i) => variance / flowMoments(sigmas[i]!).variance - 1,
  );
  return Math.max(...errors.map(Math.abs));
}

beforeAll(() => useTestEngine('cpu'));

describe.each(['sde', 'cps'] as const)('marginals of the %s sampler on a linear-Gaussian field', (kind) => {
  it('are those of its exact recursion at every step, with full noise in few steps', async () => {
    const setting = { steps: 12, kind, eta: 0.7 };
    expectMoments(await sampledMoments(setting), discreteMoments(setting));
  });

  it('are those of the ODE at every step of a fine schedule', async () => {
    const steps = 200;
    const setting =
      kind === 'sde' ? { steps, kind, eta: 0.7, below: 0.9 } : { steps, kind, eta: 1 / Math.sqrt(steps) };
    expect(bias(setting)).toBeLessThan(0.02);
    expect(bias({ ...setting, steps: 800, eta: kind === 'sde' ? 0.7 : 1 / Math.sqrt(800) })).toBeLessThan(
      0.3 * bias(setting),
    );
    expectMoments(await sampledMoments(setting), uniformSigmas(steps).map(flowMoments), 0.02);
  });
});

describe('what finer steps do not mend', () => {
  it('is the first step of the SDE, where its noise is as long as the step is short: eta^4 / 4 too much', () => {
    // At sigma = 1: std^2 |dt| = eta^2 at any step length, so variance (1 - eta^2 / 2)^2 + eta^2 = 1 + eta^4 / 4.
    const setting = { steps: 4000, kind: 'sde' as const, eta: 0.7 };
    expect(discreteMoments(setting)[1]!.variance).toBeCloseTo(1 + 0.7 ** 4 / 4, 2);
  });

  it('is what CPS at a fixed noise level loses, unless edits have no spread', () => {
    expect(bias({ steps: 4000, kind: 'cps', eta: 0.7 })).toBeGreaterThan(0.2);
  });
});
