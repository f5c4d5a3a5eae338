import * as tf from '@tensorflow/tfjs-core';
import { type Edit, type EditCondition, Key } from '@thinkrl/spec';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { engines, useTestEngine } from '../../nn/test/engines.ts';
import {
  createEditSampler,
  type EditSamplerOptions,
  prepareTransitions,
  scoreTransitions,
  withGuidance,
} from '../src/index.ts';
import { type GaussianBackbone, gaussianBackbone, identityCodec } from '../src/testing/index.ts';
import { deviation } from './fixture.ts';

function condition(level: number, text = 'paint it'): EditCondition {
  const data = Float32Array.from({ length: 2 * 3 * 3 }, (_, i) => level + 0.02 * i);
  return { references: [{ width: 3, height: 2, data }], text };
}

const conditions = [condition(0.1), condition(0.3), condition(0.5)];
const keys = Key.of(5).split(3);

describe.each(engines)('edit sampler on %s', (engine) => {
  let backbone: GaussianBackbone;
  beforeAll(() => useTestEngine(engine));
  beforeEach(() => {
    backbone = gaussianBackbone();
  });
  afterEach(() => backbone.shift.dispose());

  const sampler = (options: Partial<EditSamplerOptions> = {}) =>
    createEditSampler({ backbone, codec: identityCodec, steps: 6, ...options });

  it('records every state, the window and its log-probabilities, and frees all tensors', async () => {
    const before = tf.memory().numTensors;
    const edits = await sampler().sample(conditions, { keys, stochastic: [1, 2] });
    expect(tf.memory().numTensors).toBe(before);
    expect(edits).toHaveLength(3);
    for (const { trajectory, image } of edits) {
      expect(trajectory.sigmas).toHaveLength(7);
      expect(trajectory.states).toHaveLength(7);
      expect(trajectory.shape).toEqual([2, 3, 3]);
      expect(trajectory.stochastic).toEqual([1, 2]);
      expect(trajectory.logProbs).toHaveLength(2);
      expect(trajectory.transition).toEqual({ kind: 'sde', eta: 0.7 });
      const clipped = trajectory.states[6]!.map((value) => Math.min(1, Math.max(0, value)));
      expect(deviation(image.data, clipped)).toBe(0);
    }
  });

  it('ends between two steps when it is told to, and frees all tensors', async () => {
    const stop = new AbortController();
    const before = tf.memory().numTensors;
    let steps = 0;
    const watched: typeof backbone = {
      ...backbone,
      velocity: (...call) => {
        steps += 1;
        // As a signal's handler does, which cannot run while the engine computes.
        if (steps === 3) setImmediate(() => stop.abort('enough'));
        return backbone.velocity(...call);
      },
    };
    const options = { keys, stochastic: [1, 2], signal: stop.signal };
    const sampling = sampler({ backbone: watched }).sample(conditions, options);
    await expect(sampling).rejects.toBe('enough');
    expect(steps).toBe(3);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('draws the same with a signal that says nothing', async () => {
    const options = { keys, stochastic: [1, 2] };
    const plain = await sampler().sample(conditions, options);
    const { signal } = new AbortController();
    expect(await sampler().sample(conditions, { ...options, signal })).toEqual(plain);
  });

  it('draws each edit from its own key, whatever batch it is in', async () => {
    const together = await sampler().sample(conditions, { keys, stochastic: true });
    const turned = await sampler().sample(conditions.toReversed(), {
      keys: keys.toReversed(),
      stochastic: true,
    });
    const alone = await sampler().sample([conditions[1]!], { keys: [keys[1]!], stochastic: true });
    for (const level of together[1]!.trajectory.states.keys()) {
      const state = together[1]!.trajectory.states[level]!;
      expect(deviation(state, turned[1]!.trajectory.states[level]!)).toBeLessThan(1e-6);
      expect(deviation(state, alone[0]!.trajectory.states[level]!)).toBeLessThan(1e-6);
    }
  });

  it.each(['sde', 'cps'] as const)('is the ODE without noise (%s)', async (transition) => {
    const ode = await sampler().sample(conditions, { keys, stochastic: false });
    const still = await sampler({ transition, eta: 0 }).sample(conditions, { keys, stochastic: true });
    const faint = await sampler({ transition, eta: 1e-7 }).sample(conditions, { keys, stochastic: true });
    ode.forEach((edit, i) => {
      const last = edit.trajectory.states[6]!;
      expect(deviation(last, still[i]!.trajectory.states[6]!)).toBe(0);
      expect(deviation(last, faint[i]!.trajectory.states[6]!)).toBeLessThan(1e-5);
    });
  });

  it('comes closer to the exact flow with Heun than with Euler', async () => {
    // The flow of a Gaussian field is x_s = (1 - s) m + sqrt((1 - s)^2 c^2 + s^2) z, from x_1 = z.
    const gap = async (options: Partial<EditSamplerOptions>) => {
      const edits = await sampler(options).sample(conditions, { keys, stochastic: false });
      const gaps = edits.map(({ trajectory: { states, sigmas } }, i) => {
        const half = sigmas.indexOf(0.5);
        const s = sigmas[half]!;
        const scale = Math.hypot((1 - s) * 0.1, s);
        const mean = conditions[i]!.references[0]!.data;
        const exact = states[0]!.map((z, at) => (1 - s) * mean[at]! + scale * z);
        return deviation(states[half]!, exact);
      });
      return Math.max(...gaps);
    };
    const [euler, fine, heun] = [
      await gap({ steps: 10 }),
      await gap({ steps: 80 }),
      await gap({ steps: 10, solver: 'heun' }),
    ];
    expect(heun).toBeLessThan(0.2 * euler);
    expect(fine).toBeLessThan(euler);
  });

  it.each([
    ['sde', undefined],
    ['cps', undefined],
    ['sde', 4],
  ] as const)('scores stored transitions with a ratio of 1 (%s, guidance %s)', async (transition, scale) => {
    const used = scale === undefined ? backbone : withGuidance(backbone, { scale });
    const edits = await createEditSampler({
      backbone: used as GaussianBackbone,
      codec: identityCodec,
      steps: 6,
      transition,
    }).sample(conditions, { keys, stochastic: [0, 2, 3] });
    const scored = scoreTransitions({ backbone: used as GaussianBackbone, edits, steps: [2, 3] });
    for (const [at, { step, logProb, deviation: s, std, dt }] of scored.entries()) {
      expect(step).toBe([2, 3][at]);
      if (transition === 'sde') expect(s).toBeCloseTo(std * Math.sqrt(-dt), 12);
      const values = await logProb.data();
      edits.forEach((edit, i) => {
        const ratio = Math.exp(values[i]! - edit.trajectory.logProbs[at + 1]!);
        expect(Math.abs(ratio - 1)).toBeLessThan(1e-6);
      });
    }
    tf.dispose(scored.flatMap(({ logProb, mean }) => [logProb, mean]));
  });

  it('scores what was laid out once under the weights of the moment, and frees it', async () => {
    const edits = await sampler().sample(conditions, { keys, stochastic: [1, 2] });
    const before = tf.memory().numTensors;
    const batch = prepareTransitions({ backbone, edits, steps: [1, 2] });
    expect(tf.memory().numTensors - before).toBe(3); // levels 1 to 3
    const logProbs = () => tf.tidy(() => batch.score().map(({ logProb }) => [...logProb.dataSync()]));
    const first = logProbs();
    expect(logProbs()).toEqual(first);
    backbone.shift.assign(tf.tensor1d([1, 1, 1]));
    const moved = tf.tidy(() =>
      scoreTransitions({ backbone, edits, steps: [1, 2] }).map(({ logProb }) => [...logProb.dataSync()]),
    );
    expect(logProbs()).toEqual(moved);
    expect(moved).not.toEqual(first);
    batch.dispose();
    expect(tf.memory().numTensors - before).toBe(1); // the tensor that shift was assigned
  });

  it('gives the gradient of the log-probability that finite differences give', async () => {
    const edits = await sampler().sample(conditions, { keys, stochastic: [2] });
    const score = () => tf.sum(scoreTransitions({ backbone, edits, steps: [2] })[0]!.logProb) as tf.Scalar;
    const gradient = await tf.variableGrads(score).grads[backbone.shift.name]!.data();
    const at = async (shift: readonly number[]) => {
      backbone.shift.assign(tf.tensor1d([...shift]));
      return (await score().data())[0]!;
    };
    const width = 0.02;
    for (const channel of [0, 1, 2]) {
      const moved = [0, 1, 2].map((k) => (k === channel ? width : 0));
      const difference = (await at(moved)) - (await at(moved.map((value) => -value)));
      expect(gradient[channel]).toBeCloseTo(difference / (2 * width), 2);
    }
  });
});

describe('a trajectory that cannot be scored', () => {
  let edits: readonly Edit[];
  let backbone: GaussianBackbone;
  beforeAll(async () => {
    await useTestEngine('cpu');
    backbone = gaussianBackbone();
    const sampler = createEditSampler({ backbone, codec: identityCodec, steps: 4 });
    edits = await sampler.sample(conditions, { keys, stochastic: [1] });
  });

  const changed = (trajectory: Partial<Edit['trajectory']>): readonly Edit[] => [
    edits[0]!,
    { ...edits[1]!, trajectory: { ...edits[1]!.trajectory, ...trajectory } },
  ];

  it.each([
    ['edits', 'EDIT_EMPTY', () => ({ edits: [], steps: [1] })],
    ['steps', 'EDIT_EMPTY', () => ({ edits, steps: [] })],
    ['steps[0]', 'EDIT_TRAJECTORY', () => ({ edits, steps: [2] })],
    [
      'edits[1].trajectory.sigmas',
      'EDIT_TRAJECTORY',
      () => ({ edits: changed({ sigmas: [1, 0.6, 0.5, 0.2, 0] }), steps: [1] }),
    ],
    [
      'edits[1].trajectory.shape',
      'EDIT_TRAJECTORY',
      () => ({ edits: changed({ shape: [3, 2, 3] }), steps: [1] }),
    ],
    ['edits[1].trajectory.states', 'EDIT_TRAJECTORY', () => ({ edits: changed({ states: [] }), steps: [1] })],
    [
      'edits[1].trajectory.states[0]',
      'EDIT_TRAJECTORY',
      () => ({
        edits: changed({ states: Array.from({ length: 5 }, () => new Float32Array(2)) }),
        steps: [1],
      }),
    ],
    [
      'edits[1].trajectory.transition',
      'EDIT_TRAJECTORY',
      () => ({ edits: changed({ transition: { kind: 'sde', eta: 0.1 } }), steps: [1] }),
    ],
    [
      'edits[1].trajectory.logProbs',
      'EDIT_TRAJECTORY',
      () => ({ edits: changed({ logProbs: [] }), steps: [1] }),
    ],
    [
      'edits[1].trajectory.logProbs[0]',
      'EDIT_NOT_FINITE',
      () => ({ edits: changed({ logProbs: [Number.NaN] }), steps: [1] }),
    ],
  ] as const)('names %s', (field, code, request) => {
    expect(() => scoreTransitions({ backbone, ...request() })).toThrow(
      expect.objectContaining({ code, field }),
    );
  });
});

describe('bad input of the sampler', () => {
  beforeAll(() => useTestEngine('cpu'));
  const build = (options: Partial<EditSamplerOptions> = {}) =>
    createEditSampler({ backbone: gaussianBackbone(), codec: identityCodec, steps: 3, ...options });

  it.each([
    ['eta', { eta: -1 }],
    ['eta', { eta: 1.2, transition: 'cps' }],
    ['eta', { eta: Number.NaN }],
    ['steps', { steps: 0 }],
    ['steps', { schedule: () => [1, 0] }],
    ['solver', { solver: 'rk4' as 'heun' }],
    ['transition', { transition: 'ddim' as 'sde' }],
  ] as const)('names %s', (field, options) => {
    expect(() => build(options)).toThrow(expect.objectContaining({ code: 'THINKRL_CONFIG', field }));
  });

  it.each([
    ['conditions', 'EDIT_EMPTY', [], [], [0]],
    ['keys', 'EDIT_SHAPE', conditions, [], [0]],
    ['stochastic[0]', 'EDIT_TRAJECTORY', conditions, keys, [2]],
    ['stochastic[1]', 'EDIT_TRAJECTORY', conditions, keys, [1, 0]],
    [
      'conditions[1]',
      'EDIT_SHAPE',
      [conditions[0]!, { references: [{ width: 1, height: 1, data: new Float32Array(3) }], text: 'paint' }],
      keys.slice(0, 2),
      [0],
    ],
  ] as const)('names %s', async (field, code, batch, batchKeys, stochastic) => {
    const run = build().sample(batch, { keys: batchKeys, stochastic });
    await expect(run).rejects.toThrow(expect.objectContaining({ code, field }));
  });

  it.each([
    [[1, 0.5, 0.5, 0], 'sigmas[2]'],
    [[1.5, 0], 'sigmas[0]'],
    [[1, 0.5], 'sigmas[1]'],
    [[0], 'sigmas'],
    [[1, Number.NaN, 0], 'sigmas[1]'],
  ])('names sigmas out of order: %s', async (sigmas, field) => {
    const sampler = createEditSampler({
      backbone: gaussianBackbone(),
      codec: identityCodec,
      schedule: () => sigmas,
    });
    const run = sampler.sample(conditions, { keys, stochastic: false });
    await expect(run).rejects.toThrow(expect.objectContaining({ code: 'EDIT_SIGMAS', field }));
  });

  it('names the first edit that is not finite', async () => {
    const broken = {
      ...conditions[1]!,
      references: [{ width: 3, height: 2, data: new Float32Array(18).fill(Number.NaN) }],
    };
    const run = build().sample([conditions[0]!, broken], { keys: keys.slice(0, 2), stochastic: false });
    await expect(run).rejects.toThrow(
      expect.objectContaining({ code: 'EDIT_NOT_FINITE', field: 'edits[1]' }),
    );
  });
});
