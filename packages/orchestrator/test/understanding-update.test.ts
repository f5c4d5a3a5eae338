import { memory } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { type ProcessGroup, singleProcess } from '@thinkrl/fsdp-shard';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import type { TokenObjective } from '@thinkrl/grpo-core';
import { AdamW, WeightSnapshot } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { createUnderstandingUpdate } from '../src/index.ts';
import { spokenGroup, talker } from './talker.ts';

/** Two tasks; texts of unlike lengths, some chains without a reflection, one left out. */
const groups = [
  spokenGroup('a', [[[0, 1, 2], [1]], [[2]], [[1, 1]], [[0], [2, 2, 0, 1]]], [1.5, -0.5, 0, -1]),
  spokenGroup(
    'b',
    [
      [[2, 2, 2, 2]],
      [
        [1, 0],
        [0, 2],
      ],
    ],
    [0.75, -0.75],
  ),
];

beforeAll(async () => {
  await useEngine({ engine: 'cpu' });
});

interface BuildOptions {
  readonly chainsAtOnce?: number | undefined;
  readonly innerUpdates?: number;
  readonly processGroup?: ProcessGroup;
}

function build(objective: TokenObjective, options: BuildOptions = {}) {
  const { chainsAtOnce, innerUpdates = 2, processGroup = singleProcess() } = options;
  const policy = talker();
  const update = createUnderstandingUpdate({
    ...{ policy, objective, temperature: 1, innerUpdates, maxGradientNorm: 10 },
    ...(chainsAtOnce !== undefined && { chainsAtOnce }),
    optimizer: AdamW.create({ parameters: policy.parameters(), learningRate: 0.1, weightDecay: 0 }),
    reference: new WeightSnapshot(policy.parameters()),
    processGroup,
  });
  return { policy, update };
}

describe('understanding update', () => {
  it.each([undefined, 2])('has the loss worked out by hand, %s chains at once', async (chainsAtOnce) => {
    // On policy the surrogate of a token is its advantage, and a reflection's is -1/2 of its plan's. Of a: 3 * 1.5 - 0.75,
    // -0.5, -1 + 4 * 0.5; of b: 4 * 0.75, -2 * 0.75 + 2 * 0.375. Together 6.5 over 4 + 1 + 5 + 4 + 4 = 18 tokens.
    const { update } = build({ aggregation: 'dapo' }, { chainsAtOnce, innerUpdates: 1 });
    const report = await update.step(groups);
    expect(report.loss).toBeCloseTo(-6.5 / 18, 6);
    expect(report).toMatchObject({ samples: 5, clipFraction: 0, firstRatioGap: 0 });
  });

  const aggregations = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo'] as const;
  const cases = aggregations.flatMap((aggregation) => [1, 2, 3].map((most) => ({ aggregation, most })));
  it.each(cases)('$aggregation learns the same from $most chains at once', async ({ aggregation, most }) => {
    const learn = async (chainsAtOnce?: number) => {
      const { policy, update } = build({ aggregation, beta: 0.1, epsilonHigh: 0.01 }, { chainsAtOnce });
      return { report: await update.step(groups), logits: await policy.logits() };
    };
    const [whole, portions] = [await learn(), await learn(most)];
    for (const [name, value] of Object.entries(whole.report))
      expect(Math.abs(portions.report[name as 'loss'] - (value as number)), name).toBeLessThan(1e-6);
    portions.logits.forEach((value, i) => {
      expect(Math.abs(value - whole.logits[i]!)).toBeLessThan(1e-6);
    });
  });

  it.each(aggregations)('%s learns the same over two ranks with a task each', async (aggregation) => {
    // The tasks' longest chains are of 5 and 4 tokens; none could be of more than 8.
    const objective = { aggregation, beta: 0.1, epsilonHigh: 0.01, maximumTokens: 8 };
    const learn = async (own: typeof groups, processGroup: ProcessGroup) => {
      const { policy, update } = build(objective, { processGroup });
      return { report: await update.step(own), logits: await policy.logits() };
    };
    const whole = await learn(groups, singleProcess());
    const ranks = await Promise.all(fakeWorld(2).map((group, rank) => learn([groups[rank]!], group)));
    for (const { report, logits } of ranks) {
      expect(Math.abs(report.loss - whole.report.loss)).toBeLessThan(1e-6);
      logits.forEach((value, i) => {
        expect(Math.abs(value - whole.logits[i]!)).toBeLessThan(1e-6);
      });
    }
  });

  it('heeds counts that were given for the whole step', async () => {
    const learn = async (chainsAtOnce?: number) => {
      const counts = { activeTokens: 100, chains: 7, maximumTokens: 50 };
      const { update } = build({ aggregation: 'dapo', ...counts }, { chainsAtOnce });
      return (await update.step(groups)).gradientNorm;
    };
    expect(await learn(1)).toBeCloseTo(await learn(), 6);
  });

  it('leaves no tensor behind in portions', async () => {
    const { update } = build({ beta: 0.1 }, { chainsAtOnce: 1 });
    await update.step(groups);
    const before = memory().numTensors;
    await update.step(groups);
    expect(memory().numTensors).toBe(before);
  });
});
