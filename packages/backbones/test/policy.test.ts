import * as tf from '@tensorflow/tfjs-core';
import type { ReasoningSession, SamplingOptions } from '@thinkrl/cot-sampler';
import { useEngine } from '@thinkrl/engine';
import { END, type MicroTask, taskList } from '@thinkrl/microworld';
import { type Chain, ConfigError, type Image, Key, type Round, type Utterance } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { MicroInputError, MicroPolicy, Understander } from '../src/micro/index.ts';
import { engines } from './engine.ts';

const SIZE = { width: 16, blocks: 2, heads: 2 };
const tasks = taskList(Key.of(11), 'id', 3);
let policy: MicroPolicy;

const sampling = { temperature: 1 };
const keysOf = (count: number, label: string) =>
  Array.from({ length: count }, (_, i) => Key.of(5).fold(label).fold(i));

function chainOf(task: MicroTask, index: number, plan: Utterance, image: Image, rounds: Round[] = []): Chain {
  const condition = { references: task.references, text: plan.text };
  return { task, index, plan, first: edit(condition, image), rounds };
}

function edit(condition: Chain['first']['condition'], image: Image): Chain['first'] {
  return {
    condition,
    image,
    trajectory: { sigmas: [], shape: [], states: [], stochastic: [], logProbs: [] },
  };
}

async function thinkTwice(session: ReasoningSession, groupSize: number): Promise<Chain[]> {
  const count = tasks.length * groupSize;
  const plans = await session.plan({ sampling, keys: keysOf(count, 'plan') });
  const images = plans.map((_, i) => tasks[(i + 1) % tasks.length]!.references[0]!);
  const first = await session.reflect([...plans.keys()], images, { sampling, keys: keysOf(count, 'one') });
  const again = [...plans.keys()].filter((i) => i % 2 === 1);
  const second = await session.reflect(
    again,
    again.map((i) => tasks[i % tasks.length]!.references[0]!),
    { sampling, keys: keysOf(again.length, 'two') },
  );
  return plans.map((plan, i) => {
    const task = tasks[Math.floor(i / groupSize)]!;
    const condition = { references: [images[i]!], text: 'x' };
    const rounds: Round[] = [
      {
        reflection: first[i]!,
        edit: again.includes(i) ? edit(condition, tasks[i % tasks.length]!.references[0]!) : null,
      },
    ];
    const more = again.indexOf(i);
    if (more >= 0) rounds.push({ reflection: second[more]!, edit: null });
    return chainOf(task, i % groupSize, plan, images[i]!, rounds);
  });
}

function sameText(a: Utterance, b: Utterance): void {
  expect([...a.tokens]).toEqual([...b.tokens]);
  a.logProbs.forEach((value, i) => {
    expect(value).toBeCloseTo(b.logProbs[i]!, 4);
  });
}

describe.each(await engines())('on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ engine, threads: 1 });
    policy = new MicroPolicy(new Understander(Key.of(1), SIZE));
    // Sharper logits than at the start, so that texts differ and end at different lengths.
    const head = policy.model.head;
    head.weight.assign(tf.mul(head.weight, 4));
    const bias = head.bias!.dataSync().slice();
    bias[1] = 3;
    head.bias!.assign(tf.tensor1d(bias));
  });

  describe('sampling', () => {
    it('gives each chain of a group what it gives that chain alone with the same key', async () => {
      const groupSize = 3;
      const session = await policy.begin(tasks, groupSize);
      const chains = await thinkTwice(session, groupSize);
      session.dispose();
      for (const [i, chain] of chains.entries()) {
        const alone = await policy.begin([chain.task as MicroTask], 1);
        const [plan] = await alone.plan({ sampling, keys: [keysOf(9, 'plan')[i]!] });
        sameText(plan!, chain.plan!);
        const [reflection] = await alone.reflect([0], [chain.first.image], {
          sampling,
          keys: [keysOf(9, 'one')[i]!],
        });
        sameText(reflection!, chain.rounds[0]!.reflection);
        alone.dispose();
      }
    });

    it('ends texts at the end word or at the last slot, and marks what parses', async () => {
      const session = await policy.begin(tasks, 4);
      const plans = await session.plan({ sampling, keys: keysOf(12, 'plan') });
      session.dispose();
      expect(new Set(plans.map((plan) => plan.tokens.length)).size).toBeGreaterThan(1);
      for (const plan of plans) {
        expect(plan.tokens.length).toBeLessThanOrEqual(18);
        expect(plan.tokens.at(-1) === 1 || plan.tokens.length === 18).toBe(true);
        expect(plan.text.split(' ').filter((word) => word !== '').length).toBe(
          [...plan.tokens].filter((t) => t !== 1).length,
        );
        expect(plan.wellFormed).toBe(plan.steps.length > 0);
      }
    });

    it('says only what parses when it is constrained, with the log-probabilities of the whole distribution', async () => {
      const constrained = { temperature: 1, constrained: true };
      const session = await policy.begin(tasks, 8);
      const plans = await session.plan({ sampling: constrained, keys: keysOf(24, 'plan') });
      const seats = [...plans.keys()];
      const images = seats.map((i) => tasks[Math.floor(i / 8)]!.references[0]!);
      const reflections = await session.reflect(seats, images, {
        sampling: constrained,
        keys: keysOf(24, 'one'),
      });
      session.dispose();
      expect(plans.every((plan) => plan.wellFormed)).toBe(true);
      expect(reflections.every((reflection) => reflection.wellFormed)).toBe(true);
      expect(new Set(plans.map((plan) => plan.text)).size).toBeGreaterThan(1);
      const chains = plans.map((plan, i) => chainOf(tasks[Math.floor(i / 8)]!, i % 8, plan, images[i]!));
      const { layout, score } = policy.prepare(chains, 1);
      const scored = tf.tidy(() => score().logProbs.dataSync());
      scored.forEach((value, i) => {
        if (layout.mask[i]) expect(value).toBeCloseTo(layout.sampled[i]!, 4);
      });
    });

    it('stops after the words and tokens it is told to; what a stop word ends may parse, what is cut does not', async () => {
      const speak = async (conditions: Partial<SamplingOptions>) => {
        const session = await policy.begin(tasks, 8);
        const plans = await session.plan({
          sampling: { ...sampling, ...conditions },
          keys: keysOf(24, 'plan'),
        });
        session.dispose();
        return plans;
      };
      const free = await speak({});
      const cut = await speak({ mostTokens: 4 });
      cut.forEach(({ tokens, wellFormed }, i) => {
        expect(tokens).toEqual(free[i]!.tokens.subarray(0, 4));
        if (tokens.length === 4 && tokens[3] !== END) expect(wellFormed).toBe(false);
      });
      const one = await speak({ constrained: true, stopAfter: ['.'] });
      for (const { text, wellFormed, steps } of one) {
        expect(wellFormed).toBe(true);
        expect(steps).toEqual([text.slice(0, -2)]);
        expect(text.indexOf('.')).toBe(text.length - 1);
      }
      const short = await speak({ constrained: true, mostTokens: 6 });
      expect(short.every(({ tokens, wellFormed }) => wellFormed && tokens.length === 6)).toBe(true);
      await expect(speak({ mostTokens: 0 })).rejects.toThrow(ConfigError);
      await expect(speak({ constrained: true, mostTokens: 5 })).rejects.toThrow(ConfigError);
      await expect(speak({ stopAfter: ['stop!'] })).rejects.toMatchObject({ word: 'stop!' });
    });

    it('frees everything and refuses impossible requests', async () => {
      const before = tf.memory().numTensors;
      const session = await policy.begin(tasks, 2);
      await expect(
        session.reflect([0], [tasks[0]!.references[0]!], { sampling, keys: keysOf(1, 'x') }),
      ).rejects.toThrow(MicroInputError);
      await thinkTwice(session, 2);
      session.dispose();
      expect(tf.memory().numTensors).toBe(before);
      await expect(policy.begin(tasks, 0)).rejects.toThrow(ConfigError);
      await expect(policy.begin([{ ...tasks[0]!, instruction: 'fly to the moon' }], 1)).rejects.toMatchObject(
        {
          word: 'fly',
        },
      );
      await expect(policy.begin([{ ...tasks[0]!, references: [] }], 1)).rejects.toThrow(MicroInputError);
    });
  });

  describe('scoring', () => {
    it('of sampled tokens equals what step-by-step sampling recorded, at any temperature, plan and two rounds', async () => {
      for (const temperature of [1, 0.7]) {
        const session = await policy.begin(tasks, 3);
        const plain = sampling.temperature;
        Object.assign(sampling, { temperature });
        const chains = await thinkTwice(session, 3);
        Object.assign(sampling, { temperature: plain });
        session.dispose();
        const before = tf.memory().numTensors;
        const { layout, score } = policy.prepare(chains, temperature);
        tf.tidy(() => {
          const { logProbs, entropies } = score();
          expect(logProbs.shape).toEqual([9, layout.tokens]);
          const values = logProbs.dataSync();
          let counted = 0;
          layout.mask.forEach((there, i) => {
            if (there === 1) expect(values[i]).toBeCloseTo(layout.sampled[i]!, 4);
            counted += there;
          });
          const texts = chains.flatMap((chain) => [
            chain.plan!,
            ...chain.rounds.map((round) => round.reflection),
          ]);
          expect(counted).toBe(texts.reduce((sum, text) => sum + text.tokens.length, 0));
          expect(Math.min(...entropies.dataSync())).toBeGreaterThanOrEqual(0);
        });
        expect(tf.memory().numTensors).toBe(before);
        expect([...new Set(layout.stages)]).toEqual([0, 1, 2]);
      }
    });

    it('has the gradient of the sum of log-probabilities that central differences give', async () => {
      const session = await policy.begin(tasks.slice(0, 1), 2);
      const plans = await session.plan({ sampling, keys: keysOf(2, 'plan') });
      session.dispose();
      const chains = plans.map((plan, i) => chainOf(tasks[0]!, i, plan, tasks[0]!.references[0]!));
      const batch = policy.prepare(chains, 1);
      const total = () =>
        tf.sum(
          tf.mul(batch.score().logProbs, tf.tensor2d(batch.layout.mask, [2, batch.layout.tokens])),
        ) as tf.Scalar;
      for (const name of [
        'picture.weight',
        'blocks.0.attention.qkv.weight',
        'words.weight',
        'positions',
        'head.bias',
      ]) {
        const variable = policy.parameters().get(name)!;
        const { grads } = tf.variableGrads(total, [variable]);
        const gradient = grads[variable.name]!.dataSync() as Float32Array;
        const start = variable.dataSync().slice();
        const largest = gradient.reduce((a: number, b: number) => Math.max(a, Math.abs(b)), 0);
        const index = gradient.findIndex((value: number) => Math.abs(value) === largest);
        const at = (delta: number) => {
          const moved = start.slice();
          moved[index] = moved[index]! + delta;
          variable.assign(tf.tensor(moved, variable.shape));
          return tf.tidy(() => total().dataSync()[0]!);
        };
        const numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
        variable.assign(tf.tensor(start, variable.shape));
        expect(Math.abs(numeric / gradient[index]! - 1), name).toBeLessThan(2e-2);
      }
    });

    it('refuses chains without a plan and a temperature of 0', () => {
      const chain = { ...chainOf(tasks[0]!, 0, {} as Utterance, tasks[0]!.references[0]!), plan: null };
      expect(() => policy.prepare([chain], 1)).toThrow(MicroInputError);
      expect(() => policy.prepare([], 0)).toThrow(MicroInputError);
    });
  });
});
