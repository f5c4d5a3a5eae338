import { memory } from '@tensorflow/tfjs-core';
import { createEditSampler } from '@thinkrl/edit-generator';
import { type GaussianBackbone, gaussianBackbone, identityCodec } from '@thinkrl/edit-generator/testing';
import { useEngine } from '@thinkrl/engine';
import { singleProcess } from '@thinkrl/fsdp-shard';
import type { FlowObjective } from '@thinkrl/grpo-core';
import { AdamW, WeightSnapshot } from '@thinkrl/nn';
import { ConfigError, type EditTask, type Group, type JudgedChain, Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assignCredit, createGenerationUpdate } from '../src/index.ts';
import { task } from './bandit.ts';

const picture = { width: 2, height: 2, data: new Float32Array(12).fill(0.5) };
const conditions = [0, 1, 2, 3].map(() => ({ references: [picture], text: 'paint it' }));

/** Four edits of one task, drawn with two stochastic steps; the brighter the better. */
async function brightGroup(backbone: GaussianBackbone): Promise<readonly Group<EditTask>[]> {
  const sampler = createEditSampler({ backbone, codec: identityCodec, steps: 4 });
  const edits = await sampler.sample(conditions, { keys: Key.of(5).split(4), stochastic: [1, 2] });
  const judged = edits.map((first, index): JudgedChain<EditTask> => {
    const bright = first.image.data.reduce((sum, value) => sum + value, 0) / first.image.data.length;
    return {
      chain: { task: task('a'), index, plan: null, first, rounds: [] },
      stages: [{ rewards: [bright], answers: [] }],
    };
  });
  return assignCredit(judged, { group: ucpg, mode: 'stage', improvementFloor: 0.05 });
}

describe('generation update', () => {
  let backbone: GaussianBackbone;
  let groups: readonly Group<EditTask>[];
  beforeAll(async () => {
    await useEngine({ engine: 'cpu' });
  });
  beforeEach(async () => {
    backbone = gaussianBackbone();
    groups = await brightGroup(backbone);
  });

  const build = (
    innerUpdates: number,
    objective: FlowObjective,
    { reference = true, editsAtOnce }: { readonly reference?: boolean; readonly editsAtOnce?: number } = {},
  ) =>
    createGenerationUpdate<EditTask>({
      backbone,
      objective,
      ...(editsAtOnce !== undefined && { editsAtOnce }),
      innerUpdates,
      optimizer: AdamW.create({ parameters: backbone.parameters(), learningRate: 0.05, weightDecay: 0 }),
      reference: reference ? new WeightSnapshot(backbone.parameters()) : null,
      processGroup: singleProcess(),
      maxGradientNorm: 1,
    });

  it('is on policy and at the reference in its first turn', async () => {
    const report = await build(1, { beta: 0.1 }).step(groups);
    expect(report.samples).toBe(groups[0]!.credit[0]!.kept.length);
    expect(report).toMatchObject({ kl: 0, firstRatioGap: 0, clipFraction: 0 });
    expect(report.rolloutGap).toBeLessThan(1e-5);
    expect(report).not.toHaveProperty('entropy');
  });

  it('makes the brighter edits more likely: the shift of every channel rises', async () => {
    await build(3, {}, { reference: false }).step(groups);
    for (const value of await backbone.shift.data()) expect(value).toBeGreaterThan(0);
  });

  it('has left the reference by its second turn, and reports the gaps of its first', async () => {
    const report = await build(2, { beta: 0.1, clip: 1e-6 }).step(groups);
    expect(report.kl).toBeGreaterThan(0);
    expect(report.clipFraction).toBeGreaterThan(0);
    expect(report.firstRatioGap).toBe(0);
    expect(report.rolloutGap).toBeLessThan(1e-5);
  });

  it('guards ratios against the means of its first turn', async () => {
    const report = await build(2, { guard: true }).step(groups);
    expect(report.skipped).toBeUndefined();
  });

  it('leaves no tensor behind', async () => {
    const update = build(2, { beta: 0.1 });
    await update.step(groups);
    const before = memory().numTensors;
    await update.step(groups);
    expect(memory().numTensors).toBe(before);
  });

  it('learns the same bit for bit with the pictures kept over roll-out and turns, and frees them', async () => {
    const learn = async () => {
      const report = await build(3, { beta: 0.1 }).step(await brightGroup(backbone));
      return { report, shift: [...(await backbone.shift.data())], kept: backbone.references.size };
    };
    const plain = await learn();
    backbone = gaussianBackbone();
    const kept = await backbone.references.during(learn);
    expect(kept).toEqual({ ...plain, kept: 1 });
    expect(plain.kept).toBe(0);
    expect(backbone.references.size).toBe(0);
  });

  it.each([1, 2, 3])(
    'learns the same from portions of %i edits and one step each, up to rounding',
    async (editsAtOnce) => {
      const learn = async (options: object) => {
        backbone = gaussianBackbone();
        const report = await build(2, { beta: 0.1, clip: 0.01 }, options).step(groups);
        return { report, shift: await backbone.shift.data() };
      };
      const whole = await learn({});
      const portions = await learn({ editsAtOnce });
      portions.shift.forEach((value, i) => {
        expect(value).toBeCloseTo(whole.shift[i]!, 5);
      });
      for (const [name, value] of Object.entries(whole.report))
        expect(portions.report[name as 'loss'], name).toBeCloseTo(value as number, 5);
    },
  );

  it('leaves no tensor behind in portions', async () => {
    const update = build(2, { beta: 0.1 }, { editsAtOnce: 1 });
    await update.step(groups);
    const before = memory().numTensors;
    await update.step(groups);
    expect(memory().numTensors).toBe(before);
  });

  it('needs a reference for a KL', () => {
    expect(() => build(1, { beta: 0.1 }, { reference: false })).toThrow(ConfigError);
  });
});
