import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import {
  addNoise,
  checkSigmas,
  dynamicMu,
  flowMatchSchedule,
  odeStep,
  shiftSigma,
  timeShift,
  transitionMean,
  uniformSigmas,
} from '../src/index.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

interface Released {
  readonly base_shift: number;
  readonly max_shift: number;
  readonly base_image_seq_len: number;
  readonly max_image_seq_len: number;
  readonly shift_terminal: number | null;
}

interface Config {
  readonly released_config: Released;
  readonly lightning_config: Released;
  readonly cases: readonly {
    readonly name: string;
    readonly config: 'released' | 'lightning';
    readonly image_seq_len: number;
    readonly steps: number;
    readonly mu: number;
  }[];
}

const config = readConfig<Config>('scheduler');
const file = openTensors('scheduler', 'outputs.safetensors');

describe('schedule', () => {
  it.each(config.cases.map((found) => [found.name, found] as const))('%s', (name, found) => {
    const released = config[`${found.config}_config`];
    const dynamic = {
      baseShift: released.base_shift,
      maxShift: released.max_shift,
      baseTokens: released.base_image_seq_len,
      maxTokens: released.max_image_seq_len,
    };
    const terminal = released.shift_terminal === null ? {} : { terminal: released.shift_terminal };
    expect(dynamicMu(found.image_seq_len, dynamic)).toBeCloseTo(found.mu, 12);
    const sigmas = flowMatchSchedule({ steps: found.steps, dynamic, ...terminal })(found.image_seq_len);
    expect(deviation(sigmas, file.values(`${name}.sigmas`))).toBeLessThan(1e-6);
    const timesteps = sigmas.slice(0, -1).map((sigma) => 1000 * sigma);
    expect(deviation(timesteps, file.values(`${name}.timesteps`))).toBeLessThan(1e-3);
    checkSigmas(sigmas);
  });

  it('static shift 3', () => {
    const sigmas = flowMatchSchedule({ steps: 10, shift: 3 })(1024);
    expect(deviation(sigmas, file.values('static_shift3.steps10.sigmas'))).toBeLessThan(1e-6);
  });

  it('shifts by hand', () => {
    // 3 * 0.5 / (1 + 2 * 0.5) = 0.75; e^mu with mu = ln 3 is the same shift; linear: 3 / (3 + 1) = 0.75.
    expect(shiftSigma(0.5, 3)).toBeCloseTo(0.75, 12);
    expect(timeShift(0.5, Math.log(3))).toBeCloseTo(0.75, 12);
    expect(timeShift(0.5, 3, 'linear')).toBeCloseTo(0.75, 12);
    expect(timeShift(0, 1)).toBe(0);
    expect(uniformSigmas(4)).toEqual([1, 0.75, 0.5, 0.25, 0]);
  });
});

describe.each(engines)('scheduler steps on %s', (engine) => {
  beforeAll(() => useTestEngine(engine));

  it('ten Euler steps', async () => {
    const sigmas = flowMatchSchedule({ steps: 10, dynamic: {}, terminal: 0.02 })(4096);
    let sample = file.tensor('euler.sample0');
    for (let i = 0; i < 10; i++) {
      const step = odeStep({ sigma: sigmas[i]!, next: sigmas[i + 1]! });
      sample = transitionMean(step, sample, file.tensor(`euler.step${i}.model_output`));
      expect(deviation(await sample.data(), file.values(`euler.step${i}.prev_sample`))).toBeLessThan(1e-6);
    }
  });

  it('four Euler steps of a bfloat16 pipeline, which rounds step length, move and sum', async () => {
    const sigmas = flowMatchSchedule({ steps: 10, dynamic: {}, terminal: 0.02 })(4096);
    const still = tf.zerosLike(file.tensor('euler.sample0'));
    let sample = rounded(file.values('euler.sample0'));
    for (let i = 0; i < 4; i++) {
      const { dt } = odeStep({ sigma: sigmas[i]!, next: sigmas[i + 1]! });
      const step = { dt, latent: 1, velocity: rounded(Float32Array.of(dt))[0]!, std: 0, deviation: 0 };
      const output = tf.tensor(rounded(file.values(`euler.step${i}.model_output`)), still.shape);
      const move = rounded(await transitionMean(step, still, output).data<'float32'>());
      sample = rounded(sample.map((value, at) => value + move[at]!));
      expect(deviation(sample, file.values(`euler_bf16.step${i}.prev_sample`))).toBe(0);
    }
  });

  it('forward process', async () => {
    const [latents, noise, expected] = ['latents', 'noise', 'noisy'].map((key) =>
      file.tensor(`add_noise.${key}`),
    );
    const rows = [...file.values('add_noise.timesteps')].map((timestep, i) =>
      addNoise(tf.slice(latents!, i, 1), tf.slice(noise!, i, 1), timestep / 1000),
    );
    expect(deviation(await tf.concat(rows).data(), await expected!.data())).toBeLessThan(1e-6);
  });
});

/** The nearest bfloat16 numbers, ties to even. */
function rounded(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.slice().buffer);
  return new Float32Array(bits.map((word) => (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000).buffer);
}
