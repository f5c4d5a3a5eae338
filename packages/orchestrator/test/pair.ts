import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mul, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { createChainSampler, fromReference } from '@thinkrl/cot-sampler';
import { createEditSampler } from '@thinkrl/edit-generator';
import { gaussianBackbone, identityCodec } from '@thinkrl/edit-generator/testing';
import { type ProcessGroup, singleProcess } from '@thinkrl/fsdp-shard';
import { AdamW, type ParameterMap, WeightSnapshot } from '@thinkrl/nn';
import { type EditTask, Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import {
  createGenerationUpdate,
  createRunFolder,
  createTrainingState,
  createUnderstandingUpdate,
  loadCheckpoint,
  type Reward,
  rewindMetrics,
  runFolder,
  type TrainingRun,
} from '../src/index.ts';
import { banditPolicy, brightness, task } from './bandit.ts';

export const MODULES = ['understanding', 'generation'] as const;
export type Module = (typeof MODULES)[number];

/** A run of a planner and an editor that are both trained. */
export interface PairOptions {
  /** Told of every scoring in an update; what it gives multiplies the scores. */
  readonly scored?: (module: Module, iteration: number) => number;
  /** A rank of several keeps a run of its own, on chains of its own. */
  readonly group?: ProcessGroup;
  readonly root?: string;
  /** The checkpoint to go on from. */
  readonly from?: number;
  readonly iterations?: number;
  /** Tasks of an iteration. */
  readonly tasks?: number;
  readonly innerUpdates?: number;
  readonly beta?: number;
  /** Chains, and edits, in a portion of an update; all in one unless given. */
  readonly atOnce?: number;
  readonly checkpointEvery?: number;
  readonly signal?: AbortSignal;
}

export async function pairRun(options: PairOptions) {
  const { group = singleProcess(), root, from = 0, tasks = 2, checkpointEvery = 1, signal } = options;
  const folder =
    root === undefined
      ? createRunFolder(join(mkdtempSync(join(tmpdir(), 'pair-')), 'run'), {})
      : runFolder(root);
  let iteration = from;
  let updating = false;
  const { policy, backbone } = watchedPair((module) =>
    updating ? (options.scored?.(module, iteration) ?? 1) : 1,
  );
  const modules = MODULES.map((name) => {
    const parameters: ParameterMap = (name === 'understanding' ? policy : backbone).parameters();
    return { name, parameters, optimizer: AdamW.create({ parameters, learningRate: 0.1, weightDecay: 0 }) };
  });
  const updates = updatesOf({ policy, backbone, modules }, options);
  if (from > 0) await loadCheckpoint({ ...folder, iteration: from, modules });
  rewindMetrics(folder.metrics, from);
  const reward: Reward<EditTask> = {
    ...brightness,
    judge: async (chains, key) => {
      updating = true;
      return brightness.judge(chains, key);
    },
  };
  const weights: Record<Module, readonly number[]>[] = [await weightsOf(modules)];
  const run: TrainingRun<EditTask> = {
    iterations: options.iterations ?? 5,
    key: Key.of(3).fold(group.rank),
    tasksOf: (at: number) => {
      [iteration, updating] = [at, false];
      return Array.from({ length: tasks }, (_, i) => task(`${at}.${i}`));
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
    updates,
    state: createTrainingState<EditTask>({
      ...{ folder, modules, iteration: from, checkpointEvery, keepCheckpoints: 5, skippedLimit: 2 },
      observers: [async () => void weights.push(await weightsOf(modules))],
    }),
    processGroup: group,
    ...(signal && { signal }),
  };
  return { run, root: folder.root, weights };
}

/** A planner and an editor; every scoring by one of them is multiplied by what `factor` gives. */
function watchedPair(factor: (module: Module) => number) {
  const bandit = banditPolicy();
  const gaussian = gaussianBackbone();
  const policy: typeof bandit = {
    ...bandit,
    prepare(chains, temperature) {
      const batch = bandit.prepare(chains, temperature);
      const score = () => {
        const { logProbs, ...scores } = batch.score();
        return { ...scores, logProbs: mul(logProbs, factor('understanding')) as Tensor2D };
      };
      return { ...batch, score };
    },
  };
  const backbone: typeof gaussian = {
    ...gaussian,
    velocity: (...call) => mul(gaussian.velocity(...call), factor('generation')) as Tensor,
  };
  return { policy, backbone };
}

interface Pair extends ReturnType<typeof watchedPair> {
  readonly modules: readonly {
    readonly name: Module;
    readonly parameters: ParameterMap;
    readonly optimizer: AdamW;
  }[];
}

function updatesOf(
  { policy, backbone, modules }: Pair,
  { group = singleProcess(), innerUpdates = 1, beta = 0, atOnce }: PairOptions,
) {
  const common = (module: number) => ({
    ...{ processGroup: group, innerUpdates, maxGradientNorm: 1, optimizer: modules[module]!.optimizer },
    reference: beta === 0 ? null : new WeightSnapshot(modules[module]!.parameters),
  });
  return {
    understanding: createUnderstandingUpdate<EditTask>({
      ...{ ...common(0), policy, temperature: 1, objective: { aggregation: 'bnpo' as const, beta } },
      ...(atOnce !== undefined && { chainsAtOnce: atOnce }),
    }),
    generation: createGenerationUpdate<EditTask>({
      ...{ ...common(1), backbone, objective: { beta } },
      ...(atOnce !== undefined && { editsAtOnce: atOnce }),
    }),
  };
}

async function weightsOf(modules: readonly { name: Module; parameters: ParameterMap }[]) {
  const entries = modules.map(async ({ name, parameters }) => {
    const [first] = parameters.values();
    return [name, [...(await first!.data())]] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<Module, readonly number[]>;
}
