import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mul, type Tensor } from '@tensorflow/tfjs-core';
import { createChainSampler, fromReference } from '@thinkrl/cot-sampler';
import { createEditSampler } from '@thinkrl/edit-generator';
import { gaussianBackbone, identityCodec } from '@thinkrl/edit-generator/testing';
import { useEngine } from '@thinkrl/engine';
import { type ProcessGroup, singleProcess } from '@thinkrl/fsdp-shard';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import { AdamW, type ParameterMap } from '@thinkrl/nn';
import { type EditTask, Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createGenerationUpdate,
  createRunFolder,
  createTrainingState,
  createUnderstandingUpdate,
  loadCheckpoint,
  type Reward,
  readMetrics,
  rewindMetrics,
  runFolder,
  train,
} from '../src/index.ts';
import { banditPolicy, brightness, task } from './bandit.ts';

const MODULES = ['understanding', 'generation'] as const;
type Module = (typeof MODULES)[number];

/** A run of both modules, one of which scores NaN in the updates of some iterations. */
interface Broken {
  readonly module: Module;
  readonly during: (iteration: number) => boolean;
  readonly group?: ProcessGroup;
  readonly root?: string;
  /** The checkpoint to go on from. */
  readonly from?: number;
}

async function brokenRun({ module, during, group = singleProcess(), root, from = 0 }: Broken) {
  const folder =
    from > 0
      ? runFolder(root!)
      : createRunFolder(join(mkdtempSync(join(tmpdir(), 'non-finite-')), 'run'), {});
  let iteration = from;
  let updating = false;
  const factor = (of: Module) => (updating && of === module && during(iteration) ? Number.NaN : 1);

  const policy = banditPolicy(() => factor('understanding'));
  const gaussian = gaussianBackbone();
  const backbone: typeof gaussian = {
    ...gaussian,
    velocity: (...call) => mul(gaussian.velocity(...call), factor('generation')) as Tensor,
  };
  const reward: Reward<EditTask> = {
    ...brightness,
    judge: async (chains, key) => {
      updating = true;
      return brightness.judge(chains, key);
    },
  };
  const modules = MODULES.map((name) => {
    const parameters: ParameterMap = (name === 'understanding' ? policy : backbone).parameters();
    return { name, parameters, optimizer: AdamW.create({ parameters, learningRate: 0.1, weightDecay: 0 }) };
  });
  if (from > 0) await loadCheckpoint(folder.checkpoints, from, modules);
  rewindMetrics(folder.metrics, from);
  const common = { reference: null, processGroup: group, innerUpdates: 1, maxGradientNorm: 1 };
  const weights: Record<Module, readonly number[]>[] = [await weightsOf(modules)];
  const run = {
    iterations: 5,
    key: Key.of(3).fold(group.rank),
    tasksOf: (at: number) => {
      [iteration, updating] = [at, false];
      return [task(`${at}.0`), task(`${at}.1`)];
    },
    window: () => [1],
    collecting: {
      sampler: createChainSampler<EditTask>({
        policy,
        composer: fromReference,
        rounds: 0,
        editor: createEditSampler({ backbone, codec: identityCodec, steps: 4 }),
      }),
      reward,
      groupSize: 6,
      sampling: { temperature: 1 },
      tasksPerSample: 2,
    },
    credit: { group: ucpg, mode: 'stage' as const, improvementFloor: 0.05 },
    updates: {
      understanding: createUnderstandingUpdate<EditTask>({
        ...{ ...common, policy, optimizer: modules[0]!.optimizer },
        ...{ temperature: 1, objective: { aggregation: 'bnpo' as const } },
      }),
      generation: createGenerationUpdate<EditTask>({
        ...{ ...common, backbone, optimizer: modules[1]!.optimizer, objective: {} },
      }),
    },
    state: createTrainingState<EditTask>({
      ...{ folder, modules, iteration: from, checkpointEvery: 1, keepCheckpoints: 5, skippedLimit: 2 },
      observers: [async () => void weights.push(await weightsOf(modules))],
    }),
    processGroup: group,
  };
  return { run, root: folder.root, weights };
}

async function weightsOf(modules: readonly { name: Module; parameters: ParameterMap }[]) {
  const entries = modules.map(async ({ name, parameters }) => {
    const [first] = parameters.values();
    return [name, [...(await first!.data())]] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<Module, readonly number[]>;
}

const skipsOf = (root: string, module: Module) =>
  readMetrics(join(root, 'metrics.jsonl')).map((report) => report[module]!.skipped);

beforeAll(async () => {
  await useEngine({ engine: 'cpu' });
});

describe.each(MODULES)('numbers of the %s module that are not finite', (module) => {
  const other = MODULES.find((name) => name !== module)!;

  it('leave its update out, are counted, and are past when they are past', async () => {
    const { run, root, weights } = await brokenRun({ module, during: (at) => at === 2 || at === 4 });
    await train(run);
    expect(skipsOf(root, module)).toEqual([undefined, 'non-finite', undefined, 'non-finite', undefined]);
    expect(skipsOf(root, other)).toEqual(Array(5).fill(undefined));
    const moved = (name: Module) =>
      weights.slice(1).map((after, i) => String(after[name]) !== String(weights[i]![name]));
    expect(moved(module)).toEqual([true, false, true, false, true]);
    expect(moved(other)).toEqual(Array(5).fill(true));
  });

  it('end the run, named, when they go on; resumed in between, after as many', async () => {
    const broken = { module, during: (at: number) => at >= 3 };
    const { run, root } = await brokenRun(broken);
    const end = { code: 'ORCHESTRATOR_DIVERGED', module, skipped: 2 };
    await expect(train(run)).rejects.toMatchObject(end);
    const skips = [undefined, undefined, 'non-finite', 'non-finite'];
    expect(skipsOf(root, module)).toEqual(skips);
    const resumed = await brokenRun({ ...broken, root, from: 3 });
    await expect(train(resumed.run)).rejects.toMatchObject(end);
    expect(skipsOf(root, module)).toEqual(skips);
  });

  it('on one rank leave the update out on all', async () => {
    const ranks = await Promise.all(
      fakeWorld(2).map((group) => brokenRun({ module, group, during: (at) => at === 2 && group.rank === 1 })),
    );
    await Promise.all(ranks.map(({ run }) => train(run)));
    for (const { root } of ranks)
      expect(skipsOf(root, module)).toEqual([undefined, 'non-finite', undefined, undefined, undefined]);
    expect(ranks[1]!.weights).toEqual(ranks[0]!.weights);
  });
});
