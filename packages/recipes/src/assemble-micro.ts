import { guardCounts, type Judge } from '@thinkrl/checklist-reward';
import type { SamplingOptions } from '@thinkrl/cot-sampler';
import { drawWindow } from '@thinkrl/edit-generator';
import type { ProcessGroup } from '@thinkrl/fsdp-shard';
import {
  createMicroReward,
  encodePng,
  type MicroTask,
  renderScene,
  SLOTS,
  sampleTask,
} from '@thinkrl/microworld';
import type { CollectOptions, RunFolder, TrainingRun } from '@thinkrl/orchestrator';
import { Key } from '@thinkrl/spec';
import type { MicroConfig } from './config.ts';
import { creditOf } from './credit.ts';
import type { RunListener } from './event.ts';
import { type MicroModels, samplerOf } from './micro-models.ts';
import { referencesOf, trainedModules, updatesOf } from './module-training.ts';
import { patientReward } from './patient-reward.ts';
import { dealt } from './ranks.ts';
import { chainRecorder } from './record-chains.ts';
import { roundsOf } from './rounds.ts';
import { openRunState } from './run-state.ts';

/** Where a run is kept and how far it has come. */
export interface Assembly {
  readonly folder: RunFolder;
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
  readonly judge: Judge<MicroTask>;
  readonly signal?: AbortSignal | undefined;
  readonly tell: RunListener;
  /** The ranks that train together. */
  readonly processGroup: ProcessGroup;
}

/** Wires the packages together for the micro-world and loads the checkpoint to go on from. */
export async function assembleRun(
  models: MicroModels,
  config: MicroConfig,
  { folder, from, judge, signal, tell, processGroup }: Assembly,
): Promise<TrainingRun<MicroTask>> {
  const key = Key.of(config.seed);
  const modules = { policy: config.mode === 'direct' ? null : models.policy, backbone: models.backbone };
  const training = {
    ...config,
    mostTokens: mostTokensOf(config),
    optimizer: { beta2: 0.99, weightDecay: 0 },
  };
  const trained = trainedModules<MicroTask>(modules, training);
  const references = referencesOf(trained, config);
  const recorder = chainRecorder<MicroTask>(folder, config, {
    encode: encodePng,
    truth: (task) => renderScene({ ...task.scene, cells: task.truth }),
  });
  const state = await openRunState({ folder, from, trained, processGroup, config, recorder, tell });
  return {
    iterations: config.iterations,
    key: key.fold('train'),
    processGroup,
    tasksOf: (iteration) =>
      dealt(trainingKeys(key.fold('tasks'), iteration, config.tasksPerIteration), processGroup).map((one) =>
        sampleTask(one, 'id'),
      ),
    window: (windowKey) =>
      drawWindow({ steps: config.editing.steps, size: config.editing.window, shape: 'scattered' }, windowKey),
    collecting: {
      ...collectingOf(models, config),
      reward: patientReward(createMicroReward(config.judge, judge), tell),
    },
    guard: guardCounts,
    credit: creditOf(config),
    updates: updatesOf({ ...modules, trained, references, processGroup }, training),
    references: models.backbone.references,
    state,
    ...(signal && { signal }),
  };
}

/** How a configuration collects judged chains. */
export function collectingOf(models: MicroModels, config: MicroConfig): CollectOptions<MicroTask> {
  return {
    sampler: samplerOf(models, config),
    reward: createMicroReward(config.judge),
    groupSize: config.groupSize,
    editsPerPlan: config.editsPerPlan,
    sampling: samplingOf(config, config.temperature),
    tasksPerSample: config.tasksPerIteration,
  };
}

/** How a configuration draws texts, at the temperature of training or of evaluation. */
export function samplingOf(
  { constrained, stop }: Pick<MicroConfig, 'constrained' | 'stop'>,
  temperature: number,
): SamplingOptions {
  return { temperature, constrained, mostTokens: stop.mostTokens, stopAfter: stop.after };
}

/** Most tokens of a chain: a plan, and a reflection in every round. */
function mostTokensOf(config: MicroConfig): number {
  const most = (room: number) => Math.min(room, config.stop.mostTokens);
  return most(SLOTS.plan) + roundsOf(config) * most(SLOTS.reflection);
}

/** The keys of an iteration's tasks, those of all ranks. */
function trainingKeys(key: Key, iteration: number, count: number): readonly Key[] {
  return Array.from({ length: count }, (_, i) => key.fold((iteration - 1) * count + i));
}
