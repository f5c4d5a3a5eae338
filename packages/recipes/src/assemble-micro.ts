import { guardCounts, type Judge } from '@thinkrl/checklist-reward';
import type { SamplingOptions } from '@thinkrl/cot-sampler';
import { drawWindow } from '@thinkrl/edit-generator';
import { singleProcess } from '@thinkrl/fsdp-shard';
import { createMicroReward, type MicroTask, sampleTask } from '@thinkrl/microworld';
import { AdamW, WeightSnapshot, warmupFlatLinear } from '@thinkrl/nn';
import {
  type CheckpointModule,
  type CollectOptions,
  createGenerationUpdate,
  createTrainingState,
  createUnderstandingUpdate,
  loadCheckpoint,
  type RunFolder,
  rewindMetrics,
  type StepObserver,
  type TrainingRun,
} from '@thinkrl/orchestrator';
import { Key } from '@thinkrl/spec';
import type { MicroConfig } from './config.ts';
import type { RunListener } from './event.ts';
import { groupingOf } from './grouping.ts';
import { type MicroModels, samplerOf } from './micro-models.ts';
import { chainRecorder } from './record-chains.ts';

/** Where a run is kept and how far it has come. */
export interface Assembly {
  readonly folder: RunFolder;
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
  readonly judge: Judge<MicroTask>;
  readonly signal?: AbortSignal | undefined;
  readonly tell: RunListener;
}

/** Wires the packages together for the micro-world and loads the checkpoint to go on from. */
export async function assembleRun(
  models: MicroModels,
  config: MicroConfig,
  { folder, from, judge, signal, tell }: Assembly,
): Promise<TrainingRun<MicroTask>> {
  const key = Key.of(config.seed);
  const trained = trainedModules(models, config);
  const references = {
    understanding: config.understanding.beta > 0 ? new WeightSnapshot(models.policy.parameters()) : null,
    generation: config.generation.beta > 0 ? new WeightSnapshot(models.backbone.parameters()) : null,
  };
  if (from > 0) await loadCheckpoint(folder.checkpoints, from, trained);
  rewindMetrics(folder.metrics, from);
  const progress: StepObserver<MicroTask> = (report) =>
    tell({ type: 'step', iterations: config.iterations, report });
  return {
    iterations: config.iterations,
    key: key.fold('train'),
    tasksOf: (iteration) => trainingTasks(key.fold('tasks'), iteration, config.tasksPerIteration),
    window: (windowKey) =>
      drawWindow({ steps: config.editing.steps, size: config.editing.window, shape: 'scattered' }, windowKey),
    collecting: { ...collectingOf(models, config), reward: createMicroReward(config.judge, judge) },
    guard: guardCounts,
    credit: {
      group: groupingOf(config.grouping),
      mode: config.credit,
      improvementFloor: config.grouping.deviationFloor,
      editsPerPlan: config.editsPerPlan,
    },
    updates: updatesOf(models, config, { trained, references }),
    references: models.backbone.references,
    state: createTrainingState<MicroTask>({
      folder,
      modules: trained,
      iteration: from,
      checkpointEvery: config.checkpointEvery,
      keepCheckpoints: config.keepCheckpoints,
      skippedLimit: 3,
      observers: [chainRecorder(folder, config), progress],
    }),
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

function trainingTasks(key: Key, iteration: number, count: number): readonly MicroTask[] {
  const first = (iteration - 1) * count;
  return Array.from({ length: count }, (_, i) => sampleTask(key.fold(first + i), 'id'));
}

function trainedModules({ policy, backbone }: MicroModels, config: MicroConfig): readonly CheckpointModule[] {
  const parameters = { understanding: policy.parameters(), generation: backbone.parameters() };
  const names = (['understanding', 'generation'] as const).filter(
    (name) => config[name].train && !(name === 'understanding' && config.mode === 'direct'),
  );
  return names.map((name) => ({
    name,
    parameters: parameters[name],
    optimizer: optimizerOf(parameters[name], config[name], config.iterations),
  }));
}

function optimizerOf(
  parameters: CheckpointModule['parameters'],
  { learningRate: peak, decay, innerUpdates }: MicroConfig['understanding' | 'generation'],
  iterations: number,
): AdamW {
  const total = Math.max(1, iterations * innerUpdates);
  const flat = Math.floor((1 - decay) * total);
  const learningRate =
    decay === 0 ? peak : warmupFlatLinear({ peak, total, flat: Math.min(flat, total - 1) });
  return AdamW.create({ parameters, learningRate, beta1: 0.9, beta2: 0.99, weightDecay: 0 });
}

interface UpdateParts {
  readonly trained: readonly CheckpointModule[];
  readonly references: {
    readonly understanding: WeightSnapshot | null;
    readonly generation: WeightSnapshot | null;
  };
}

function updatesOf(
  { policy, backbone }: MicroModels,
  config: MicroConfig,
  { trained, references }: UpdateParts,
): TrainingRun<MicroTask>['updates'] {
  const optimizer = (name: CheckpointModule['name']) =>
    trained.find((module) => module.name === name)?.optimizer;
  const understanding = optimizer('understanding');
  const generation = optimizer('generation');
  const processGroup = singleProcess();
  const { aggregation, epsilonLow, epsilonHigh } = config.understanding;
  return {
    understanding:
      understanding === undefined
        ? null
        : createUnderstandingUpdate<MicroTask>({
            policy,
            optimizer: understanding,
            reference: references.understanding,
            processGroup,
            temperature: config.temperature,
            objective: { aggregation, epsilonLow, epsilonHigh, beta: config.understanding.beta },
            innerUpdates: config.understanding.innerUpdates,
            maxGradientNorm: config.understanding.maxGradientNorm,
          }),
    generation:
      generation === undefined
        ? null
        : createGenerationUpdate<MicroTask>({
            backbone,
            optimizer: generation,
            reference: references.generation,
            processGroup,
            objective: { clip: config.generation.clip, beta: config.generation.beta },
            innerUpdates: config.generation.innerUpdates,
            maxGradientNorm: config.generation.maxGradientNorm,
          }),
  };
}
