import { createChainSampler, fromReference, type ReasoningPolicy } from '@thinkrl/cot-sampler';
import { drawWindow } from '@thinkrl/edit-generator';
import { inStep, type ProcessGroup, sameEverywhere } from '@thinkrl/fsdp-shard';
import { encodePng } from '@thinkrl/microworld';
import {
  type CheckpointModule,
  type CollectOptions,
  createTrainingState,
  loadCheckpoint,
  type RunFolder,
  rewindMetrics,
  ridingOutages,
  type StepObserver,
  type TrainingRun,
} from '@thinkrl/orchestrator';
import { ConfigError, type EditTask, Key } from '@thinkrl/spec';
import type { RunListener } from '../event.ts';
import { groupingOf } from '../grouping.ts';
import { referencesOf, trainedModules, updatesOf } from '../module-training.ts';
import { chainRecorder } from '../record-chains.ts';
import type { QwenEditConfig } from './config.ts';
import type { QwenEditModules } from './models.ts';
import { questionReward } from './reward.ts';
import type { Judging } from './servers.ts';
import type { SharedModels } from './share-out.ts';
import { entriesOf, loadTask, type TaskEntry } from './tasks.ts';

/** What a run is put together from, beside its settings. */
export interface QwenEditParts {
  readonly modules: QwenEditModules;
  /** Who plans: the modules' own policy, a served one, or nobody. */
  readonly planner: ReasoningPolicy | null;
  readonly judging: Judging;
  readonly entries: readonly TaskEntry[];
  /** All ranks, each on tasks of its own. */
  readonly processGroup: ProcessGroup;
  readonly shared: SharedModels;
}

/** Where a run is kept and how far it has come. */
export interface QwenEditAssembly {
  readonly folder: RunFolder;
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
  readonly signal?: AbortSignal | undefined;
  readonly tell: RunListener;
}

/** A run that is ready to be trained. */
export interface AssembledRun {
  readonly run: TrainingRun<EditTask>;
  readonly trained: readonly CheckpointModule[];
}

/** Wires the packages together for Qwen-Image-Edit and loads the checkpoint to go on from. */
export async function assembleRun(
  parts: QwenEditParts,
  config: QwenEditConfig,
  { folder, from, signal, tell }: QwenEditAssembly,
): Promise<AssembledRun> {
  const { modules, entries, processGroup, shared } = parts;
  const key = Key.of(config.seed);
  const training = {
    ...config,
    optimizer: { beta2: 0.999, weightDecay: 1e-4 },
    editsAtOnce: config.generation.editsAtOnce,
  };
  const trained = trainedModules<EditTask>(modules, training, shared.modules);
  const references = referencesOf(trained, config, shared.modules);
  if (from > 0) await loadCheckpoint(folder.checkpoints, from, trained);
  rewindMetrics(folder.metrics, from);
  const progress: StepObserver<EditTask> = (report) =>
    tell({ type: 'step', iterations: config.iterations, report });
  const count = config.tasksPerIteration;
  const order = key.fold('tasks');
  const { steps, window, within } = config.editing;
  const run = {
    iterations: config.iterations,
    key: processGroup.worldSize === 1 ? key.fold('train') : key.fold('train').fold(processGroup.rank),
    processGroup,
    tasksOf: (iteration: number) => {
      const part = (iteration - 1) * processGroup.worldSize + processGroup.rank + 1;
      return readyTasks(entriesOf(entries, { iteration: part, count, key: order }), config, parts.judging);
    },
    together: <Result>(work: () => Promise<Result>) => inStep(shared.together, work),
    window: (windowKey: Key) => drawWindow({ steps, size: window, within }, windowKey),
    collecting: collectingOf(parts, config, { signal, tell }),
    credit: {
      group: groupingOf(config.grouping),
      mode: config.credit,
      improvementFloor: config.grouping.deviationFloor,
      editsPerPlan: config.editsPerPlan,
    },
    updates: updatesOf({ ...modules, trained, references, processGroup, shared: shared.modules }, training),
    references: modules.remembered,
    state: createTrainingState<EditTask>({
      folder,
      modules: trained,
      iteration: from,
      checkpointEvery: config.checkpointEvery,
      keepCheckpoints: config.keepCheckpoints,
      skippedLimit: 3,
      observers: [
        agreementOf(trained, parts, config),
        chainRecorder(folder, config, { encode: encodePng }),
        progress,
      ],
    }),
    ...(signal && { signal }),
  };
  return { run, trained };
}

/** Makes sure, at checkpoints, that all ranks hold the same of what each holds whole. */
function agreementOf(
  trained: readonly CheckpointModule[],
  { processGroup, shared }: QwenEditParts,
  { checkpointEvery }: QwenEditConfig,
): StepObserver<EditTask> {
  const whole = trained.filter(({ name }) => shared.modules[name] === undefined);
  const tensors = whole.flatMap(({ parameters }) => [...parameters.values()]);
  return async ({ iteration }) => {
    if (iteration % checkpointEvery === 0) await sameEverywhere(processGroup, tensors);
  };
}

/** How chains are collected: a task at a time, since pictures of one batch must have one size. */
function collectingOf(
  { modules, planner, judging }: QwenEditParts,
  config: QwenEditConfig,
  { signal, tell }: Pick<QwenEditAssembly, 'signal' | 'tell'>,
): CollectOptions<EditTask> {
  return {
    sampler: createChainSampler<EditTask>({
      policy: planner,
      editor: modules.editor,
      composer: fromReference,
      rounds: config.mode === 'full' ? config.rounds : 0,
    }),
    reward: ridingOutages(questionReward(judging.judge), {
      onPause: ({ reason, seconds }) =>
        tell({ type: 'notice', text: `the judge is away (${reason}); asking again in ${seconds} s` }),
      ...(signal && { signal }),
    }),
    groupSize: config.groupSize,
    editsPerPlan: config.editsPerPlan,
    sampling: { temperature: config.temperature, mostTokens: config.planner.mostTokens },
    tasksPerSample: 1,
  };
}

function readyTasks(
  entries: readonly TaskEntry[],
  { editing, tasks }: QwenEditConfig,
  { write }: Judging,
): Promise<readonly EditTask[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const task = await loadTask(entry, editing.side);
      if (task.checklist !== undefined) return task;
      if (write === null)
        throw new ConfigError({
          field: 'tasks.path',
          value: tasks.path,
          fix: `task ${task.id} has no checklist: give it one, or name a server in judge.baseURL that writes it`,
        });
      return { ...task, checklist: await write(task) };
    }),
  );
}
